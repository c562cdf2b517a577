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
# To recognise a cup from any side, a model has to ignore the side. Such a learned indifference is called an *invariance*. A model that was
# trained on one task is often the best start for another. Because of what it knows, or because of what it ignores?

# %% tags=["remove-input", "hero"]
from invariance import live

live.explorer("story")

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
# :::{div} hero-result
# **Which model is the better start for a new task?** The share of right answers there, if pretraining saw
#
# | | this book | the paper |
# |---|---|---|
# | its **transformations**, other classes | {glue:text}`accuracy.matched.disjoint.value` | {glue:text}`accuracy.matched.disjoint.paper` |
# | its **classes**, other transformations | {glue:text}`accuracy.mismatched.same.value` | {glue:text}`accuracy.mismatched.same.paper` |
#
# The paper counts training images in, too ([why that matters](14_the_papers_numbers)). [Chapter 3](03_invariances_or_classes) has the
# experiment.
# :::
#
# ::::{grid} 1 3 3 3
# :gutter: 3
# :class-container: doors
#
# :::{grid-item-card} Understand it
# :link: 01_transforms_2d
# :link-type: doc
# Make the images, measure what a model ignores, then see what that is worth. Start with chapter 1; you need to know what a neural network
# and a training set are, and nothing of the paper.
# :::
#
# :::{grid-item-card} Judge the paper
# :link: 10_claims
# :link-type: doc
# {glue:text}`n_statements` statements with a rule for each: {glue:text}`n_supported` are supported, {glue:text}`n_not_supported` are not,
# {glue:text}`n_undecided` are undecided, and the rest was not run or is not counted. With the paper's numbers beside ours.
# :::
#
# :::{grid-item-card} Use it
# :link: 09_profile_your_model
# :link-type: doc
# Measure what your own network ignores, with one command and your own pictures. Or take the
# data sets, models and measures into a program of yours.
# :::
# ::::
#
# ## The result in one picture
#
# The paper "Understanding the Role of Invariance in Transfer Learning" {cite}`speicher2024invariance` asked this question first. This book
# recomputes its results and shows every step. Each page is a program that you can run and change.
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
# The paper trains a ResNet-18 on cut-outs of photographs. That is why its accuracies are higher than those of the small networks and drawn
# pictures here. What can be compared is the distance between the two lines.
#
# ## The chapters
#
# Each answer is made from the published results. Below it stands how many of the paper's statements hold, how long the page takes
# to read, and how long one processor would compute for its results.
#
# ```{include} _map.md
# ```
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
