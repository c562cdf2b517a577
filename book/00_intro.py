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
# # Which invariances make a representation transfer?
#
# A model that was trained on one task is often the best start for another. *Transfer learning* works, but what has to
# carry over for it to work?
#
# One answer is *invariance*. To recognise a cup from any side, a model has to ignore the side. If the next task also shows things
# from any side, that learned indifference is worth having. If the next task asks *which* side, it is a burden.

# %% tags=["remove-input"]
from invariance import live

live.explorer("story")

# %% [markdown]
# One network was trained on upright objects, the other on the same objects at every angle. The second one has learned to ignore the
# angle, the first one has not. Which of them is the better start for a new task whose objects are turned as well?
#
# The paper "Understanding the Role of Invariance in Transfer Learning" {cite}`speicher2024invariance` put this to the test. This
# book recomputes its results, shows every step, and says for each claim whether it holds at the size of the run. Each page is a
# program that you can run and change.

# %% tags=["parameters"]
import os

budget = os.environ.get("BUDGET", "quick")  # smoke, quick, night or paper
protocol = "corrected"  # or published: what the paper's code did
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many, or "paper"; 0 means as the budget says
show = "auto"  # own, published, or auto: published at the paper's size, if any

# %% tags=["remove-cell"]
from invariance import chapter
from invariance.ledger import verdicts
from invariance.studies import study
from invariance.studies.invariances_or_classes import STUDY

found = STUDY.find(STUDY.at(budget, seeds, protocol=protocol), device, show)
chapter.glue(found)
chapter.glue(verdicts.counts(verdicts.rows(verdicts.published())), "n_")
chapter.show(found, "levels", paper=False)

# %% [markdown]
# ## The result in one picture
#
# ```{glue:figure} levels
# :name: fig-result
# :alt: Two lines of accuracy over four kinds of pretraining classes, one for pretraining with the task's transformations and one for others.
#
# How well pretrained models serve a new task. In pretraining they saw some of the task's classes (*subset*), none of them
# (*disjoint*), exactly these (*same*), or these and others (*superset*). Circles: they also saw the task's *transformations*, such
# as its rotations and changes of colour. Squares: they saw others. Small marks are *seeds*, repetitions with everything drawn anew;
# bars are 95 % intervals of their mean. Recomputed: {glue:text}`run`.
# ```
#
# Models that never saw the task's classes, but saw its transformations, reach an accuracy of {glue:text}`accuracy.matched.disjoint.value`. Models that
# saw exactly its classes, but under other transformations, reach {glue:text}`accuracy.mismatched.same.value`. The paper, with ResNet-18 and
# cut-outs of photographs, has {glue:text}`accuracy.matched.disjoint.paper` and {glue:text}`accuracy.mismatched.same.paper`. The data behind the picture can be saved from
# [chapter 3](03_invariances_or_classes).
#
# The paper makes more claims than this one. The [claims ledger](10_claims) splits them into {glue:text}`n_statements` statements and tests
# each by a rule that was fixed before any run. In the results published with this book {glue:text}`n_supported` of them are supported,
# {glue:text}`n_not_supported` are not, and {glue:text}`n_undecided` are undecided.
#
# ## How to read this book
#
# **The experiments**, in the order in which they build on each other:
#
# ::::{grid} 1 2 3 3
# :gutter: 3
#
# :::{grid-item-card} 1. Transforms-2D
# :link: 01_transforms_2d
# :link-type: doc
# Images in which every change is known: objects, backgrounds, and 18 transformations to play with.
# :::
#
# :::{grid-item-card} 2. Measuring invariance
# :link: 02_measuring_invariance
# :link-type: doc
# From pairs of images to one number that says what a model ignores.
# :::
#
# :::{grid-item-card} 3. Invariances or classes?
# :link: 03_invariances_or_classes
# :link-type: doc
# The experiment behind the picture above, with the paper's numbers beside ours.
# :::
#
# :::{grid-item-card} 4. Everything else
# :link: 04_other_factors
# :link-type: doc
# Does the architecture matter more, or the number of images in pretraining or transfer?
# :::
#
# :::{grid-item-card} 5. Natural images
# :link: 05_natural_images
# :link-type: doc
# The same questions where a class is more than one object.
# :::
#
# :::{grid-item-card} 6. When invariance harms
# :link: 06_when_invariance_harms
# :link-type: doc
# What one task may ignore is what the next one asks for.
# :::
#
# :::{grid-item-card} 7. Invariance transfer
# :link: 07_invariance_transfer
# :link-type: doc
# Learned on some objects: does it hold on others, on noise, on natural images?
# :::
#
# :::{grid-item-card} 8. Too few, too many
# :link: 08_mismatch
# :link-type: doc
# What it costs to learn fewer invariances than needed, or more.
# :::
# ::::
#
# **Use it**, and **look things up**:
#
# ::::{grid} 1 2 3 3
# :gutter: 3
#
# :::{grid-item-card} 9. Profile your own model
# :link: 09_profile_your_model
# :link-type: doc
# What is your network invariant to? One command, on your own pictures.
# :::
#
# :::{grid-item-card} 10. Claims ledger
# :link: 10_claims
# :link-type: doc
# Each claim of the paper as statements with a rule, and the verdict.
# :::
#
# :::{grid-item-card} 11. Deviation log
# :link: 11_deviations
# :link-type: doc
# Where the paper, its code and this book differ, and what that changes.
# :::
#
# :::{grid-item-card} 12. Data card
# :link: 12_data_card
# :link-type: doc
# The data sets, and how to use them in three lines.
# :::
#
# :::{grid-item-card} 13. Reproducibility
# :link: 13_reproducibility
# :link-type: doc
# One GPU, a cluster, costs, and how far results repeat.
# :::
#
# :::{grid-item-card} 14. The paper's numbers
# :link: 14_the_papers_numbers
# :link-type: doc
# What its accuracies contain, and what rests on that.
# :::
# ::::
#
# No knowledge of the paper is assumed. If you know what a neural network and a training set are, you can start. In a hurry? Read
# chapters 1 to 3, then the [claims ledger](10_claims).
#
# ## How to run it
#
# In a clone of the repository, one command sets up what is needed, computes every result and renders these pages:
#
# ```bash
# make book
# ```
#
# A single chapter runs with papermill, at a size of your choice, and a single study from the command line:
#
# ```bash
# source .venv/bin/activate
# papermill book/03_invariances_or_classes.ipynb out.ipynb -p budget smoke
# invariance run mismatch --budget paper --device cuda
# ```
#
# | to | type |
# |---|---|
# | see how far a study is | `invariance status mismatch --budget paper` |
# | measure a model of your own | `invariance profile my_model.py:load --images photos/` |
# | use a cluster | `invariance run mismatch --budget paper --cluster slurm`; see [Reproducibility](13_reproducibility) |
#
# Or take the data sets into a program of your own: `invariance.transforms_2d(transforms=["rotate", "hue"])` gives one; the
# [data card](12_data_card) shows all three kinds.
#
# Every study comes in four sizes, its *budgets*. This is what they mean for chapter 3; the other studies have numbers of images and
# epochs of their own:

# %% tags=["remove-input"]
study.overview(STUDY)

# %% [markdown]
# The sizes change with the budget, the program does not.
#
# Whatever was computed once is kept and reused, so a second run is short, and a run that was cut off goes on where it stopped.
#
# **Defined in:** {py:mod}`invariance.studies` (one module a chapter), {py:mod}`invariance.ledger` (the verdicts).
