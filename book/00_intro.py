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
#
# The paper "Understanding the Role of Invariance in Transfer Learning" {cite}`speicher2024invariance` put this to the test. This
# book recomputes its results, shows every step, and says what holds and what does not. Each page is a program that you can
# run and change.

# %% tags=["parameters"]
import os

profile = os.environ.get("BOOK_PROFILE", "quick")  # smoke, quick or paper
device = "auto"  # auto, cpu, cuda, cuda:1 or mps
seeds = 0  # how many seeds to run; 0 means as many as the profile says

# %% tags=["remove-cell"]
from myst_nb import glue

from invariance import evidence, figures, results
from invariance.experiments import profiles

figures.use_book_style()
sizes = profiles.chosen(profile, seeds)
found = evidence.of("class_relationship", sizes, device)
table = results.by_seed(found.table)
paper = results.paper_factor("class_relationship")
mean = table.groupby(["level", "transforms"])["value"].mean()
published = paper.set_index(["level", "transforms"])["value"]
glue("right", float(mean["disjoint", "same"]), display=False)
glue("wrong", float(mean["same", "disjoint"]), display=False)
glue("paper_right", float(published["disjoint", "same"]), display=False)
glue("paper_wrong", float(published["same", "disjoint"]), display=False)
glue("source", found.caption, display=False)
glue("result", figures.factor_levels(table), display=False)

# %% [markdown]
# ## The result in one picture
#
# ```{glue:figure} result
# :name: fig-result
# :alt: Two lines of accuracy over four kinds of pretraining classes; the one for the right transformations lies well above the other.
#
# How well pretrained models serve a new task. From left to right, the pretraining data show fewer or more of the task's
# classes. The upper line: they also show the task's *transformations*, such as its rotations and changes of colour. The
# lower line: they show others. Small marks are seeds, bars 95 % intervals over them. Recomputed: {glue:text}`source`.
# ```
#
# Models that never saw the task's classes, but learned its invariances, reach an accuracy of {glue:text}`right:.2f`. Models that
# saw exactly its classes, but under other transformations, reach {glue:text}`wrong:.2f`. The paper, with larger models and
# real photographs, has {glue:text}`paper_right:.2f` and {glue:text}`paper_wrong:.2f`.
#
# ## How to read this book
#
# ::::{grid} 1 1 3 3
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
# ::::
#
# No knowledge of the paper is assumed. If you know what a neural network and a training set are, you can start.
#
# ## How to run it
#
# In a clone of the repository, one command sets up what is needed, computes every result and renders these pages:
#
# ```bash
# make book
# ```
#
# A single chapter runs with papermill, at a size of your choice:
#
# ```bash
# papermill book/03_invariances_or_classes.ipynb out.ipynb -p profile smoke
# ```

# %% tags=["remove-input"]
profiles.overview()

# %% [markdown]
# The sizes change with the profile, the program does not. Whatever was computed once is kept and reused, so a
# second run takes seconds, and a run that was cut off goes on where it stopped.
