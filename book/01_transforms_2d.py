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
# # Transforms-2D: images whose every change is known
#
# Photographs differ in a thousand ways at once. Two pictures of a cup differ in the cup, the table, the light, the angle and the camera.
# Nobody can list all of it, so with photographs one cannot say *which* changes a model has learned to ignore. How do you make images in which
# every change is known?

# %% tags=["remove-input"]
from invariance import chapter, drawings, live, models, sampling

drawings.recipe()

# %% [markdown]
# **In short.** Paste one of {glue:text}`n_classes` objects on a background, and transform the object in ways that you choose. Each part is drawn
# by itself, so any two images differ in exactly what you allowed to differ.
#
# Two things follow. The *object* decides the class of an image; a *transformation*, such as a rotation or a change of colour, and the
# *background* say nothing about it. So a model that is to recognise the class has to ignore what transformations do.
#
# Move them yourself. The explorer runs the library's own functions. Its pictures are the 32 x 32 pixels that a model sees, and the bars under a
# slider show how often the experiments draw which value: all are equally likely.
#
# Turn the object by 90 degrees, and compare the mask with the object: geometric transformations move both, photometric ones leave the mask
# alone. Then add `erasing`, draw at random a few times, and see whether you can still name the object.

# %% tags=["parameters"]
object_class = "chess_knight"  # the object in the pictures below
transforms = ["rotate", "hue", "erasing"]  # combined, in this order
seed = 0  # which random draws to show

# %% tags=["remove-cell"]
import invariance
import torch
from invariance.datasets import Split, Transforms2D
from invariance.studies import transforms_2d as study
from invariance.transforms import CATEGORIES, TRANSFORMATIONS, Range, Transformation

# %%
live.explorer("transformations", object_class=object_class)

# %% [markdown]
# ## Objects
#
# The paper cuts its objects out of photographs. So that this book runs with nothing to download, it draws its own:
# {glue:text}`n_classes` everyday symbols, each with a material, a light from above and a soft edge. Each class has
# {glue:text}`n_prototypes` versions, its *prototypes*. The experiments use the first one, as the paper does.

# %% tags=["remove-cell"]
chapter.glue(study.numbers(transforms))
chapter.glue_figure("objects", study.objects())

# %% [markdown]
# ```{glue:figure} objects
# :name: fig-objects
# :alt: A sheet of 61 small objects with their class names, from airplane to writing hand.
#
# The {glue:text}`n_classes` object classes, first prototype, at 96 pixels. Each has a transparency mask (its *alpha
# channel*), so that it can be pasted anywhere.
# ```
#
# ## Backgrounds
#
# A background is a small landscape, drawn by a program too. There are ten types. A data set uses 867 of them, as many
# as the paper has photographs, and picks one at random for every image.

# %% tags=["remove-cell"]
chapter.glue_figure("scenes", study.backgrounds())

# %% [markdown]
# ```{glue:figure} scenes
# :name: fig-scenes
# :alt: Ten rows of nine small landscapes, one row for each type.
#
# Nine backgrounds of each of the ten types, at 64 pixels.
# ```
#
# ## From parts to an image
#
# Write $o$ for an object, $t$ for a transformation and $b$ for a background. A Transforms-2D image is
#
# $$ x = b\big(t(o)\big), $$
#
# read from the inside out: take the object, transform it, paste it on the background. A data set $D(O, T)$ is given by
# a set of objects $O$ and a list of transformations $T$. Every image draws its own object, its own background and its
# own parameters of each transformation, all independently {cite}`speicher2024invariance`.
#
# In code, a data set is a specification. It holds no images; it says how to make them.

# %%
classes = (object_class, "umbrella", "airplane")
spec = Transforms2D(classes=classes, transforms=("rotate",))
split = Split(spec.renderer(), seed=seed, name="train", count=50_000)
images, labels = split.batch(torch.arange(8))
images.shape, labels

# %% [markdown]
# The split has 50,000 images, yet only the eight we asked for were made. Image number 5 is always the same
# picture, whether it is made alone or among others, today or tomorrow: its random numbers come from its own number,
# the seed and the name of the split, and from nothing else.

# %%
again = Split(spec.renderer(), seed=seed, name="train", count=50_000)
alone, _ = again.batch(torch.tensor([5]))
torch.equal(alone[0], images[5])

# %% [markdown]
# ## The 18 transformations
#
# They come in three categories. *Geometric* ones move the pixels of the object, *photometric* ones change its colours,
# and *corruptions* damage it. Only the object changes; the background stays as it is.

# %% tags=["remove-input"]
study.table()

# %% [markdown]
# "Probability" is the chance that an image gets the transformation at all. The others always act, by an amount
# drawn evenly from their range.

# %% tags=["remove-cell"]
for category in CATEGORIES:
    chapter.glue_figure(category, study.category(category, object_class))

# %% [markdown]
# ::::{tab-set}
# :::{tab-item} Geometric
# ```{glue:figure} geometric
# :name: fig-geometric
# :alt: Six rows of pictures of one object, scaled, translated, flipped, rotated and sheared.
#
# Geometric transformations. Each row runs through the range from left to right; where there are two parameters, it goes
# once around it. A flip has only two states.
# ```
# :::
# :::{tab-item} Photometric
# ```{glue:figure} photometric
# :name: fig-photometric
# :alt: Six rows of pictures of one object with changed hue, brightness, colours and sharpness.
#
# Photometric transformations. Those with two states show off and on.
# ```
# :::
# :::{tab-item} Corruption
# ```{glue:figure} corruption
# :name: fig-corruption
# :alt: Six rows of pictures of one object, blurred, noisy, in coarse blocks, warped, with a hole and with changed contrast.
#
# Corruptions. Noise and elastic show several random draws.
# ```
# :::
# ::::
#
# The explorer above has all of them, alone and combined.

# %% [markdown]
# ## Draw, then apply
#
# Every transformation is two functions. `draw` turns random keys into parameters: for a rotation, an angle for each image. `apply` turns images
# and parameters into images, and has nothing random in it.
#
# So the same parameters give the same image again, and a pair of images that share everything but the angle costs one extra draw. The
# [next chapter](02_measuring_invariance) rests on such pairs.

# %%
rotate = TRANSFORMATIONS["rotate"]
keys = sampling.keys(sampling.stream(seed, "an example"), torch.arange(4))
rotate.draw(keys, size=32)

# %% [markdown]
# ## Composition
#
# A data set may list several transformations. They act one after the other, in the order of the list. The
# experiments of this book mostly use three at a time, one of each category.

# %% tags=["remove-cell"]
chapter.glue_figure("composition", study.composition(transforms, object_class, seed))

# %% [markdown]
# ```{glue:figure} composition
# :name: fig-composition
# :alt: Nine draws of one object under three transformations, above without and below with a background.
#
# Nine images of one class under {glue:text}`n_combined` transformations. Above, the transformed object alone; below,
# pasted on its background.
# ```
#
# All nine have the same label. A model that is trained on such images is pushed to become *invariant* to these transformations, which
# means to answer the same whatever they do. This is the idea of the book: the next chapters ask whether a model does become invariant, and
# whether that helps on a new task.
#
# ## A transformation of your own
#
# The 18 are the paper's choice. To ask about another one, write its two functions and add it to the list. Here is a
# nineteenth: a grey bar across the object, at any angle.


# %%
def draw_bar(keys, size):
    return {"angle": sampling.uniform(keys, high=180.0)}


def bar(images, parameters):
    along = torch.linspace(-1, 1, images.shape[-1], device=images.device)
    angle = torch.deg2rad(parameters["angle"])[:, None, None]
    # How far each pixel is from the middle line of the bar: (B, H, W).
    distance = (along * angle.cos() + along[:, None] * angle.sin()).abs()
    painted = torch.where(distance[:, None] < 0.12, 0.5, images[:, :3])
    return torch.cat((painted, images[:, 3:]), dim=1)  # the alpha channel stays


angles = {"angle": Range(0, 180, "degrees")}
TRANSFORMATIONS["bar"] = Transformation(
    "bar",
    "corruption",
    draw_bar,
    bar,
    angles,
    summary="paints a grey bar",
)

# %% [markdown]
# That is all. The explorer knows it, and runs it in this page like the others:

# %%
live.explorer("transformations", ["bar"], object_class)

# %% [markdown]
# A data set can have it, alone or among others:

# %%
names = ["rotate", "bar"]
barred = invariance.transforms_2d(transforms=names, count=50_000, seed=seed)

# %% tags=["remove-cell"]
chapter.glue_figure("barred", barred.preview(rows=2))

# %% [markdown]
# ```{glue:figure} barred
# :name: fig-barred
# :alt: Sixteen small objects on landscapes, turned at random, each with a grey bar across it.
#
# `barred.preview(rows=2)`: the new transformation after a rotation.
# ```
#
# The [next chapter](02_measuring_invariance) explains its measure, the *sensitivity*: 0 where a network does not notice a transformation, 1 where
# the transformation changes an image as much as taking another one. It takes the new transformation like any other. Here are three
# sensitivities of a network with random weights:

# %%
untrained = models.build("small", classes=10, seed=seed).backbone
names = ["bar", "erasing", "rotate"]
measured = invariance.profile_model(
    untrained,
    "glyphs",
    names,
    pairs=200,
    device="cpu",
    untrained=None,
)
l2 = measured[measured["measure"] == "sensitivity_l2"]
l2.set_index("transformation")[["value", "low", "high"]].round(2)

# %% [markdown]
# ## Data sets in three lines
#
# You have just seen one made: `invariance.transforms_2d` gives an ordinary PyTorch data set.

# %%
data = invariance.transforms_2d(
    "glyphs",
    transforms=["rotate", "hue"],
    classes=["umbrella", "airplane"],
    count=50_000,
)
loader = torch.utils.data.DataLoader(data, batch_size=512)
images, labels = next(iter(loader))
images.shape, labels[:8]

# %% [markdown]
# The pictures can be others. Both arguments take any source, and nothing else changes:
#
# | objects come from `foregrounds=` | backgrounds come from `backgrounds=` |
# |---|---|
# | `"glyphs"`: drawn by code | `"scenes"`: drawn by code |
# | `"folder:PATH"`: your own, as `PATH/<class>/<file>.png` | `"folder:PATH"`: your own photos |
# | `"hub:tillspeicher/transforms_2d_base"`: the paper's, from the Hugging Face Hub | the same |
# | `"random"`: a fixed block of noise a class | `"random"`: fresh noise for every image; `"black"`; `"cifar10"` and the like |
#
# The Hub needs `pip install -e ".[hub]"` in a clone, and downloads once. The other two kinds of
# data set of this book, natural images and objects on natural images, are made in the same way; the [data card](12_data_card) shows all three.
#
# ## What this data set is not
#
# The objects are flat symbols on flat pictures. There is no occlusion by other things, no perspective and no shadow on
# the ground. That is the price of knowing every change exactly. Whether results carry over to photographs has to be tested
# on photographs, and the paper does so with CIFAR ([a later chapter](05_natural_images)).
#
# ## What to take away
#
# - Each image is an object, transformed, on a background. All three are drawn independently, and only the object decides the label.
# - So a data set of this kind asks a model for a known set of invariances, and a pair of images can differ in one thing alone.
# - Some draws hide the object, so no model can be right every time.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-order
# Does the order of two transformations matter? Find a pair for which it does and one for which it does not.
# ```
#
# ```{solution} ex-order
# :class: dropdown
# It matters for `rotate` and `shear`: slanting a turned object is not turning a slanted one. It does not for `h_flip` and
# `v_flip`, since mirroring rows and mirroring columns do not touch each other. Set `transforms` in the parameters
# cell to `["rotate", "shear"]`, then to `["shear", "rotate"]`, and compare {numref}`fig-composition`: each transformation
# draws the same parameters wherever it stands in the list, so what changes is the order alone.
# ```
#
# ```{exercise}
# :label: ex-hidden
# Which transformations can make the class impossible to see, and how often?
# ```
#
# ```{solution} ex-hidden
# :class: dropdown
# `brightness` with a factor near 0 blackens the object, but its outline still shows the class. `erasing` can hide a large
# part of a small object: set `transforms` to `["scale", "erasing"]` and look through several seeds. A factor of 0.4
# shrinks the object to 9 pixels, and the hole has 14. So even a perfect model cannot reach an accuracy of 1 on that
# combination.
# ```
#
# **Defined in:** {py:mod}`invariance.transforms` (the 18 transformations), {py:mod}`invariance.datasets`
# ({py:obj}`~invariance.datasets.Transforms2D`, {py:obj}`~invariance.datasets.Split`), {py:mod}`invariance.data`
# ({py:obj}`~invariance.data.transforms_2d`), {py:mod}`invariance.pictures` (objects and backgrounds), {py:mod}`invariance.sampling` (random
# numbers).
