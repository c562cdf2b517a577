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
# # Data card
#
# This page describes the data sets of this book under the usual headings for data cards {cite}`gebru2021datasheets`, so
# that you can decide whether they fit a purpose of your own. There are three kinds:
#
# - **Transforms-2D**: objects under chosen transformations on backgrounds {cite}`speicher2024invariance`;
# - **natural images**: CIFAR {cite}`krizhevsky2009cifar` or stand-ins drawn by code, transformed as a whole;
# - **objects on natural images**: a small object in the corner of a natural image.
#
# **In short.** Each kind takes three lines of code and gives an ordinary PyTorch data set. Every image is made when it is asked for, from a seed and a
# number, so nothing has to be downloaded or kept.

# %% tags=["parameters"]
objects = "glyphs"  # or random, folder:PATH, hub:OWNER/NAME: the first preview
images = "scenes10"  # of the others: scenes10, scenes100, cifar10 or cifar100
transforms = ["rotate", "hue"]  # of the first two previews; any of the 18
seed = 0  # which random draws to show

# %% tags=["remove-cell"]
from invariance import chapter
from invariance.studies import data_card, transforms_2d

chapter.glue(data_card.numbers())
chapter.glue({"used": ", ".join(transforms) or "no transformations", "natural_source": images})

# %% [markdown]
# ## How to use it
#
# Three lines for each kind. All are ordinary PyTorch data sets: `dataset[i]` gives an image, float32 of shape (3, 32, 32) in
# [0, 1], and its label; a `DataLoader` makes whole batches at once.

# %%
import invariance

objects_2d = invariance.transforms_2d(
    objects,
    transforms=transforms,
    count=50_000,
    seed=seed,
)
natural = invariance.natural_images(images, transforms=transforms, seed=seed)
both = invariance.objects_on_images("objects_mixed", images=images, seed=seed)

len(objects_2d), len(natural), len(both)

# %% tags=["remove-cell"]
chapter.glue_figure("preview_2d", objects_2d.preview(2))
chapter.glue_figure("preview_natural", natural.preview(2))
chapter.glue_figure("preview_both", both.preview(2))

# %% [markdown]
# ```{glue:figure} preview_2d
# :name: fig-preview-2d
# :alt: Sixteen small objects on landscapes, each with the name of its class.
#
# `objects_2d.preview(2)`: Transforms-2D with {glue:text}`used`.
# ```
#
# ```{glue:figure} preview_natural
# :name: fig-preview-natural
# :alt: Sixteen small landscapes with the names of their types, transformed as a whole.
#
# `natural.preview(2)`: {glue:text}`natural_source` with {glue:text}`used`.
# ```
#
# ```{glue:figure} preview_both
# :name: fig-preview-both
# :alt: Sixteen small landscapes with a tiny object in the upper-right corner, named after the object.
#
# `both.preview(2)`: {glue:text}`natural_source` with objects in the corner. The label is the object here; `task="cifar_mixed"` asks for
# the image instead.
# ```
#
# ## Motivation
#
# To ask which invariances help, one has to know every change between two images of a class, and to be able to choose it. Photographs do
# not offer that. Transforms-2D was made for it, by the authors of the paper. This book makes it anew as a program, so that any amount of it,
# in any variant, exists without a file. Natural images show whether a result holds where the pictures are not made for it.
#
# ## Composition
# | | Transforms-2D | natural images | objects on natural images |
# |---|---|---|---|
# | an instance | an object on a background | an image | an image and an object |
# | pixels | 32 x 32, or any side from 8 to 512 | 32 x 32 | 32 x 32 |
# | classes | {glue:text}`n_classes` | 10 or 100 | 10 image classes and 10 object classes, in {glue:text}`n_tasks` tasks |
# | instances | as many as asked for | {glue:text}`n_natural`, a tenth of them for validation, and {glue:text}`n_test` for tests | the same |
# | label | the object | the class of the image | one or the other |
# | classes are equally frequent | in expectation | exactly | images exactly, objects in expectation |
# | people | none | none in scenes; CIFAR-100 shows people | as the images |
#
# Objects are {glue:text}`n_classes` everyday symbols with up to {glue:text}`n_prototypes` pictures each; {glue:text}`n_scenes`
# scenes are the backgrounds, as many as the paper has photographs. Both are shown in [the first chapter](01_transforms_2d). There are
# no missing values and no errors in labels: a label is what the image was made from. Whether it can still be *seen* is another
# matter: strong transformations, one after the other, can hide an object.

# %% [markdown]
# ## How an image is made
#
# The seed, the name of the split and an index give a key, a number of 64 bits. Everything random in the image is read from the key by
# a fixed mixing function: in Transforms-2D the class, the object's prototype and the background, and everywhere the parameters of each
# transformation. So image number 5 is the same
# in any batch, in any process, on any machine; on a GPU it is the same to the rounding of float32.
#
# 1. The object, scaled to 0.7 of the canvas and centred, is transformed, one transformation after the other.
# 2. It is pasted on its background with its transparency mask.
# 3. Colours stay numbers from 0 to 1; nothing is rounded to 256 levels.
#
# With `protocol="published"` a data set also repeats the slips of the paper's code, pixel by pixel. {py:mod}`invariance.protocol` names
# them one by one.
#
# On natural images the transformations act on the whole image, and what a rotation or a shift uncovers is black. Objects on natural
# images are about 12 pixels wide and stand in the upper-right corner, or with `translate=True` anywhere. Their images are cropped at
# random and mirrored in the training and validation splits.
#
# ### Transformations

# %% tags=["remove-input"]
transforms_2d.table()

# %% [markdown]
# Parameters are drawn evenly from the range, and with the given probability the transformation is applied at all. Each agrees with
# Pillow or torchvision at the same parameters, within the tolerances that the tests state.
#
# ## Splits
#
# Training, validation and test images of Transforms-2D come from random streams of their own: they share objects and backgrounds, but no
# draw. The paper's sizes are {glue:text}`paper_train`, {glue:text}`paper_validation` and {glue:text}`paper_test`.
# Of the {glue:text}`n_natural` training images of a natural-image source one in ten of each class is for validation, the same ones every
# time; `split_seed` chooses others. The other {glue:text}`n_test` are for tests; CIFAR's are its own.
#
# Experiments also split by *class*. In the main one, {glue:text}`n_target` of the {glue:text}`n_classes` classes are the target's, and as many
# others can be pretrained on.

# %% [markdown]
# ## Stand-ins for natural images
#
# CIFAR has to be downloaded. So that the book runs without a network, `scenes10` and `scenes100` take its place: landscapes of
# {glue:text}`n_types` types, in ten variants each, with the sizes and the interface of CIFAR-10 and CIFAR-100. To be no easier than need be, they are seen
# from varied views and through varied cameras, and discs and bars stand in front of them.
#
# {numref}`fig-preview-natural` shows some of them.
#
# They are not photographs. What a network learns from them says how a method behaves on images that were not made from objects
# and masks; it does not say what accuracy to expect on CIFAR.
#
# ## Other pictures
#
# | pictures | how | licence |
# |---|---|---|
# | the paper's objects and backgrounds | `hub:tillspeicher/transforms_2d_base`, with the extra `hub` installed | Apache-2.0 as a collection; single photographs keep their own, which the data set lists |
# | CIFAR | `source="cifar10"`; where `CIFAR_DIR` says, or downloaded by `pictures.download("cifar10")` | see its page |
# | your own | `folder:PATH`: objects as `PATH/<class>/<file>.png`, backgrounds as `PATH/<file>.jpg` | yours |
#
# The objects and backgrounds of the paper go back to SI-Score {cite}`djolonga2021robustness`. Downloads are pinned to one revision and
# compared with their checksums, and no program that comes with a data set is run.
#
# ## Recommended uses
#
# - Controlled studies of invariance, transfer, shortcuts and robustness to known changes.
# - Tests of a measure: pairs of images that differ in one part, by `dataset.pairs(count, vary="transformation")`.
# - Teaching, and smoke tests of training code: no download, no files.
#
# **Not recommended**: training anything that is to be used on photographs, or comparing architectures by their accuracy here. The
# glyphs are far easier than objects in the world.
#
# ## Limitations
#
# - Flat symbols, one object an image, without perspective, shadow or occlusion by other things.
# - The set of transformations is a choice: 18 that are easy to write down. Invariance to a camera's blur is not invariance to fog.
# - Ten of the 18 transformations are applied half of the time only, so data sets differ in how much they vary.
# - Symbols carry a culture: an envelope means mail to some readers and nothing to others. Networks do not mind; surveys of people would.
#
# ## Licence and attribution
#
# The program that draws everything is under the MIT licence of this repository. The silhouettes come from the font DejaVu Sans, which
# matplotlib ships and whose licence (Bitstream Vera's, with DejaVu's changes in the public domain) allows to use, change and pass on what is made with
# it. The scenes are drawn by this book's own code. The paper's pictures are not part of the repository.
#
# ## Maintenance
#
# A change of the embedded pictures raises their version, {glue:text}`version` now, and with it all results are computed anew. To cite the
# data set, cite the paper {cite}`speicher2024invariance`; for the embedded pictures, cite this book (`CITATION.cff`).

# %% [markdown]
# ## What to take away
#
# - Choose Transforms-2D to control every change, natural images to see whether a result holds elsewhere, objects on images to ask for one part of two.
# - Accuracies on drawn pictures do not say what to expect of photographs.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-card-random
# How does a data set look whose objects have no shape? Set `objects = "random"`.
# ```
#
# ```{solution} ex-card-random
# :class: dropdown
# {numref}`fig-preview-2d` shows squares of coloured noise, one fixed pattern a class. A network can tell them apart all the same, and
# [one chapter](07_invariance_transfer) asks what an invariance is worth that was learned on them.
# ```
#
# ```{exercise}
# :label: ex-card-fine
# Set `images = "scenes100"`. Can you name the classes?
# ```
#
# ```{solution} ex-card-fine
# :class: dropdown
# Names are now variants, such as a calm sea beside a choppy one. Some are hard to tell apart at this size and under transformations, as
# some of CIFAR-100's are.
# ```
#
# **Defined in:** {py:mod}`invariance.data` ({py:obj}`~invariance.data.transforms_2d`, {py:obj}`~invariance.data.natural_images`,
# {py:obj}`~invariance.data.objects_on_images`), {py:mod}`invariance.datasets` (the specifications), {py:mod}`invariance.pictures` (the
# pictures), {py:mod}`invariance.transforms`.
