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
# # The same on natural images
#
# In Transforms-2D a class is one object, and everything that varies within it is a transformation that we know. Photographs are not like that. A
# class holds thousands of different things, seen from many sides and in any light, and nobody can list what a model has to ignore.
#
# Transformations can be added to photographs all the same: turn them, change their colours, blur them. Does it still matter as much that
# pretraining shows the transformations of the task?

# %% tags=["remove-input"]
from invariance import drawings

drawings.experiment("natural_images")

# %% [markdown]
# **In short.** {glue:text}`answer` {glue:text}`stand_in`
#
# :::{admonition} Where these numbers come from: budget {glue:text}`sizes.budget`, {glue:text}`sizes.seeds` seeds
# :class: dropdown
# The results on this page took {glue:text}`seconds` worker seconds, the time that one process alone would need
# ({glue:text}`run`). [Reproducibility](13_reproducibility) estimates what they cost at the paper's size.
#
# In these results {glue:text}`said.both`; all are fine-tuned in the first one.
# :::

# %% tags=["parameters"]
import os

budget = os.environ.get("BUDGET", "quick")  # smoke, quick, night or paper
protocol = "corrected"  # or published: what the paper's code did
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many, or "paper"; 0 means as the budget says
show = "auto"  # own, published, or auto: published at the paper's size, if any
model = ""  # small, small_vit, resnet18, ... everywhere; empty: the budget's
pictures = "embedded"  # or paper: CIFAR-10 and CIFAR-100, if they are here
redraws = 0  # draws that a linear probe sees; 0 means as the budget says

# %% tags=["remove-cell"]
from invariance import chapter, live
from invariance.ledger import verdicts
from invariance.studies.natural_images import STUDY

sizes = STUDY.at(budget, seeds, model, protocol=protocol, pictures=pictures, redraws=redraws)

# %% [markdown]
# ## The pictures
#
# The paper {cite}`speicher2024invariance` takes CIFAR-10 and CIFAR-100 {cite}`krizhevsky2009cifar`: photographs of 32 x 32 pixels in 10 and in 100
# classes. This book has to run offline, so by default it draws its own pictures in their place: landscapes of ten types, such as
# {glue:text}`some_types`, each in ten variants. Every picture is another view, in another light, with discs and bars in the way.
#
# The ten types take the place of CIFAR-10 under the name `scenes10`, the hundred variants that of CIFAR-100 under the name `scenes100`. Both have as
# many images as CIFAR. This page shows results on {glue:text}`cifar10.source` and {glue:text}`cifar100.source`, and calls them the *ten* and the
# *hundred classes*.
#
# To have the real ones, fetch them once (170 MB each) and set `pictures = "paper"` in the parameters cell:
#
# ```bash
# python -c "from invariance import pictures; pictures.download('cifar10')"
# python -c "from invariance import pictures; pictures.download('cifar100')"
# papermill book/05_natural_images.ipynb out.ipynb -p pictures paper
# ```
#
# If you have them already, set the environment variable `CIFAR_DIR` to their folder; torchvision's layout is understood, and each file is
# checked before it is read.
#
# All results of this page are one call, which trains what has not been trained before:

# %%
found = STUDY.find(sizes, device, show)

# %% tags=["remove-cell"]
chapter.glue(found)
chapter.show(found, "examples")

# %% [markdown]
# ```{glue:figure} examples
# :name: fig-natural-examples
# :alt: Four rows of nine images: natural images as they are, the same under the target's three transformations and under three others, and images of the hundred classes.
#
# Nine images of the target's classes as they are, under its transformations ({glue:text}`target_names`), and under three others
# ({glue:text}`other_names`). Last row: nine of the hundred classes.
# ```
#
# There is no object to cut out here, so the transformations act on the whole image. `translate` then moves it by up to 15 % of its
# side, to any side; what is uncovered turns black.
#
# ## The experiment
#
# It is the one of the [chapter before](04_other_factors), with two differences.
#
# **Classes.** Half of the classes are the target's. The other half is *disjoint*, all together are the *superset*.
#
# **Samples.** The images are given and cannot be made at will. So pretraining samples are counted per class, and fine-tuning samples as a share of
# a class's training images. The probe learns from {glue:text}`sizes.probe_samples` images, the paper's from {glue:text}`paper.probe_samples`.
#
# | | ten classes | a hundred classes |
# |---|---|---|
# | classes of the target | {glue:text}`cifar10.n_target` | {glue:text}`cifar100.n_target` |
# | *subset*: so many of these | {glue:text}`cifar10.n_subset` | {glue:text}`cifar100.n_subset` |
# | training images a class that there are | {glue:text}`cifar10.all_per_class` | {glue:text}`cifar100.all_per_class` |
# | images a class for pretraining | {glue:text}`cifar10.per_class` | {glue:text}`cifar100.per_class` |
# | few images for fine-tuning, in all ({glue:text}`share_few`) | {glue:text}`cifar10.n_few` | {glue:text}`cifar100.n_few` |
# | many images for fine-tuning, in all ({glue:text}`share_many`) | {glue:text}`cifar10.n_many` | {glue:text}`cifar100.n_many` |
#
# In pretraining and fine-tuning the transformations of an image are {glue:text}`said.redrawn` in every epoch. The number of draws
# of each image that a linear probe sees is {glue:text}`sizes.redraws` here and {glue:text}`paper.redraws` at the budget `paper`; in the paper there
# is a new one in each epoch.
#
# ## Guess first
#
# On drawn objects the transformations and the classes have had their turn. What do you expect of natural images?

# %%
live.chart("factors", found)

# %% [markdown]
# ## All accuracies
#
# The chart shows every accuracy of this run. The default is {glue:text}`model`, pretrained on the other half of the classes; where the number of
# images for transfer varies, pretraining has seen the target's own classes.
#
# The table has this run's means over seeds and the paper's in brackets, for ten classes. A dash stands where the paper has no value, or where its
# mark hides behind another one in the plot that it was read from.

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "Ten classes", "code_prompt_hide": "Hide the ten classes"}
found.show("levels10")

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "A hundred classes", "code_prompt_hide": "Hide the hundred classes"}
found.show("levels100")

# %% tags=["remove-input"]
chapter.link(found)

# %% [markdown]
# In the file, `setting` is `cifar10` or `cifar100` and `source` names the pictures; `samples` is the number of images for transfer in all.
#
# ## Is there anything to see?
#
# Take the accuracies by linear probe after pretraining on the four kinds of classes. With ten classes {glue:text}`cifar10.lie` With a hundred
# classes {glue:text}`cifar100.lie`
#
# ## Training all weights
#
# Training all weights can change the representation, so it can make up for what pretraining lacked. Of this we have the paper's values for
# 10 % of the images.
#
# The gap between matched and mismatched transformations, averaged over the class relationships, all in the first direction (in brackets its 95 %
# interval over seeds):
#
# | | ten classes | paper | a hundred classes | paper |
# |---|---|---|---|---|
# | linear probe | {glue:text}`gap.cifar10.probe-first.class_relationship` | {glue:text}`gap.cifar10.probe-first.class_relationship.paper` | {glue:text}`gap.cifar100.probe-first.class_relationship` | {glue:text}`gap.cifar100.probe-first.class_relationship.paper` |
# | fine-tuning on {glue:text}`share_few` | {glue:text}`gap.cifar10.few.class_relationship` | – | {glue:text}`gap.cifar100.few.class_relationship` | – |
# | fine-tuning on {glue:text}`share_many` | {glue:text}`gap.cifar10.many.class_relationship` | {glue:text}`gap.cifar10.many.class_relationship.paper` | {glue:text}`gap.cifar100.many.class_relationship` | {glue:text}`gap.cifar100.many.class_relationship.paper` |
#
# Mind that the probe and the two kinds of fine-tuning have different numbers of images.

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All accuracies after fine-tuning", "code_prompt_hide": "Hide the accuracies"}
found.show("tuning_levels")

# %% [markdown]
# ## Transformations against classes
#
# The gap and the ranges are those of [chapter 3](03_invariances_or_classes): what the target's transformations are worth against others, and
# what the best classes are worth against the worst. For the class relationship the paper finds
#
# $$ \begin{aligned}
# \text{gap} &\ge \text{range}_\text{matched} && \text{on Transforms-2D}, \\
# \text{gap} &< \text{range}_\text{matched} && \text{on natural images}.
# \end{aligned} $$

# %% tags=["remove-cell"]
chapter.show(found, "bars")

# %% [markdown]
# ```{glue:figure} bars
# :name: fig-natural-summary
# :alt: For ten and for a hundred classes the gap between transformations and the two ranges over the class relationship as bars, with the paper's values as hollow marks.
#
# Transformations or classes? Gap and ranges over the class relationship by linear probe. Bars are means over seeds, lines 95 % intervals, small dots seeds, hollow marks the
# paper. Crosses, where there are any, are the smaller run that was made along with this page. Run: {glue:text}`run`.
# ```
#
# With ten classes {glue:text}`cifar10.weighed` With a hundred classes {glue:text}`cifar100.weighed`
#
# ## Why the gap may weigh less here
#
# Look at the paper's linear probes. Where a mark is hidden behind another one in its plots, the level is left out.
#
# | in the paper | gap between transformations | range over classes, matched |
# |---|---|---|
# | Transforms-2D | {glue:text}`t2d.gap.paper` | {glue:text}`t2d.range.paper` |
# | CIFAR-10 | {glue:text}`gap.cifar10.probe.class_relationship.paper` | {glue:text}`range.cifar10.probe.class_relationship.matched.paper` |
# | CIFAR-100 | {glue:text}`gap.cifar100.probe.class_relationship.paper` | {glue:text}`range.cifar100.probe.class_relationship.matched.paper` |
#
# On CIFAR the gap is at least as large as on drawn objects. The effect of the classes is several times larger, and overtakes it.
#
# Three explanations for a gap that weighs less are worth having in mind:
#
# - **Most of what varies within a class is not a transformation of ours.** In Transforms-2D, whoever ignores the three transformations
#   and the background sees the same object in all images of a class. Two photographs of dogs are still as different as two dogs. What makes dogs
#   alike has to be learned from dogs.
# - **Natural images bring transformations along.** Things are seen from the left and from the right, in bright and in dull light. So a
#   model that was pretrained with other transformations has met a little of the target's.
# - **There is less to learn from.** With few images per class neither pretraining gets far, and then neither transformations nor classes
#   show. In the paper's values for numbers of pretraining images, the gap needs images to open: on CIFAR-10 it is
#   {glue:text}`cifar10.gap.fewest.paper` with ten images a class and
#   {glue:text}`cifar10.gap.most.paper` with 4,500.
#
# These are explanations, not results: the experiment says how much the gap weighs, not why.
#
# ## What agrees with the paper
#
# The [claims ledger](10_claims) splits the paper's claims into statements, and says what the verdicts mean. These are its statements about
# natural images. {glue:text}`stand_in`

# %% tags=["remove-input"]
verdicts.show(verdicts.rows([found]))

# %% [markdown]
# Where this run and the paper differ, look for the reasons here first:
#
# - **The pictures.** Drawn scenes are made by one program, photographs are not. The variants of one type of landscape have much in common, so
#   a half of the hundred variants probably says more about the other half than a half of CIFAR-100's classes about the rest. That would make
#   the class relationship weigh less.
# - **Size.** Outside the budget `paper` small networks see images for a shorter time, and at `quick` fewer of them.
# - **Few classes.** With ten classes a target has five, and which five a seed draws can matter as much as anything else. The
#   intervals show how much.
#
# **A limitation.** Turned and recoloured photographs are still not what a model meets in practice: another camera, another country, another
# season. The experiment can control what changes because the change is artificial, and that is its price.
#
# ## What to take away
#
# - {glue:text}`answer`
# - In the paper the transformations stay as important on photographs as on drawn objects, and the classes become more important than they are.
# - Where accuracies are close to guessing, neither effect can show. Look for that before you read a difference.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-natural-views
# A linear probe cannot change the representation, but it can choose which part of it to use. Does it help to show the probe each image under
# more draws of the transformations?
# ```
#
# ```{solution} ex-natural-views
# :class: dropdown
# Set `redraws = 5` in the parameters cell. The pretrained models come from the cache; the probes are trained anew, each on five draws of every
# image, and so is the fine-tuning, which begins with a probe. More draws tell the probe which directions of the representation move with the
# transformations. For a model that ignores the transformations there is little to learn from that, so the accuracy after *mismatched*
# transformations should gain more, and the gap narrow. Compare the tables before and after, and mind the intervals.
# ```
#
# ```{exercise}
# :label: ex-natural-model
# Do these results depend on the network?
# ```
#
# ```{solution} ex-natural-model
# :class: dropdown
# Set `model = "small_vit"`, or another name from the list beside the parameter. It then takes every place. Look at the gap and the ranges in
# {numref}`fig-natural-summary`: the accuracies will change, and the question is whether the gap and the range over classes keep their order.
# ```
#
# **Defined in:** {py:mod}`invariance.studies.natural_images` (the study), {py:mod}`invariance.studies.factors` (what it shares with the chapter
# before), {py:obj}`invariance.datasets.NaturalImages` (the images).
