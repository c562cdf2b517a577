# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Reading the paper's numbers
#
# What do the paper's accuracies contain?
#
# **In short.** Most accuracies that the paper prints are not accuracies on test images: the published code takes them over training, validation and test
# images together. {glue:text}`turned`
#
# How that comes about: the code keeps one counter of right answers for what it calls *test*. It asks for the model's answers on training images, then on
# validation images, then on test images, and reads the counter after each. Nobody sets the counter back to zero, so what is read last is about all three.
# The mean is also taken class by class, which changes little where classes are equally frequent.
#
# The released code may not be the state that made every published number. Its experiments on CIFAR cannot be run as they are. So what follows is what this
# code does to accuracies, and not a proof of how each number was made.

# %% tags=["parameters"]
import os

budget = os.environ.get("BUDGET", "quick")  # smoke, quick, night or paper
protocol = "corrected"  # or published: what the paper's code did
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many, or "paper"; 0 means as the budget says
show = "auto"  # own, published, or auto: published at the paper's size, if any

# %% tags=["remove-cell"]
from invariance import chapter, studies
from invariance.ledger import reading

found = {}
for study in studies.all_studies():
    sizes = study.at(budget, seeds, protocol=protocol)
    found[study.name] = study.find(sizes, device, show)
statements = reading.on_test_images(found.values())
chapter.glue({"turned": reading.turned_in_words(statements), "run": found["mismatch"].caption()})
known = {}
for classes in ("same", "disjoint"):
    every = reading.accuracies(found["invariances_or_classes"], classes=classes)
    known |= {f"{classes}.{split}": f"{one:.3f}" for split, one in every.items()}
chapter.glue(known)

# %% [markdown]
# ## How much of it is training images
#
# With 50,000 images to train a probe on, and 10,000 each for validation and test, 71 % of all images had been trained on. Where few images are
# used for transfer, most are test images, and the number is nearly clean.

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "Every size of a transfer", "code_prompt_hide": "Hide the sizes"}
reading.shares()

# %% [markdown]
# One row deserves a second look. On CIFAR the number of images for transfer is itself varied, from 1 % to all of them. With it, the share of
# training images behind the number grows from 3 % to 75 %. A curve over the number of images then rises even if test accuracy does not.
#
# ## What that does to an accuracy
#
# Take models of this book, which record both. Matched models of the chapter on [transformations and classes](03_invariances_or_classes) reach,
# by linear probe:
#
# | pretrained on | training images | validation images | test images | all together |
# |---|---|---|---|---|
# | the target's classes | {glue:text}`same.train` | {glue:text}`same.validation` | {glue:text}`same.test` | {glue:text}`same.pooled` |
# | other classes | {glue:text}`disjoint.train` | {glue:text}`disjoint.validation` | {glue:text}`disjoint.test` | {glue:text}`disjoint.pooled` |
#
# The last column is what the published code would call test accuracy. The better a probe fits its training images, the further the last column
# lies above the one before it. ({glue:text}`run`.)
#
# It explains a number that puzzled us. The paper has 0.98 for a ResNet-18 on augmented CIFAR-10. Accuracies of 0.998 on training images,
# 0.996 on validation images that had been trained on, and 0.90 on test images give 0.98 when they are pooled on that data set.
#
# ## What that does to the conclusions
#
# The paper compares accuracies that are all taken the same way. A gap between two models survives pooling if it is there on training and on
# test images alike. This table has the quantity of every statement of the [claims ledger](10_claims) twice, from the same models.

# %% tags=["remove-input"]
reading.beside(statements)

# %% [markdown]
# {glue:text}`turned`
#
# **A limitation.** Both accuracies of the table are from this book's models. The paper's own accuracies on test images alone are not known.
#
# ## What to take away
#
# - Differences between models on the same target can be read as they stand, if one remembers that training images soften them.
# - Accuracies near one say little about new images.
# - Curves over the number of images for transfer need the share of training images beside them.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-pooled
# A probe answers all its 450 training images correctly, and 60 % of 50 validation and 500 test images. What would the published code report?
# ```
#
# ```{solution} ex-pooled
# :class: dropdown
# (450 + 0.6 · 50 + 0.6 · 500) / 1,000 = 0.78. Trained on 4,500 images it would report (4,500 + 330) / 5,050 = 0.96, for the same
# accuracy on new images.
# ```
#
# **Defined in:** {py:mod}`invariance.ledger.reading` (these tables), {py:mod}`invariance.protocol` (the flag `pooled_accuracy`).
