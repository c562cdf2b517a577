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
# # The deviation log
#
# A paper, the program behind it and a new program that repeats it are three different things. When numbers disagree, is it the pictures, a slip in a
# program, or a finding that does not hold?
#
# **In short.** The tables of this page list all differences that we know of, each with what it changes. {glue:text}`tried`
#
# What the published code does was found out by running it, in the versions of its time. The published numbers may come from another state of that
# code: its experiments on CIFAR, for one, cannot be run as released.
#
# :::{admonition} Protocols, and how the last column is measured
# :class: dropdown
# A *protocol* says which of it is repeated. `corrected`, the default, does what the column on this book says; `published` does what the code did. Where
# a single difference can be repeated alone, the name of its flag stands in brackets: `protocol = "corrected+last_epoch"`.
#
# Numbers in the last column that depend on this book's own code are measured while this page is made, in a few seconds in all. A dash means that
# nothing was measured.
# :::

# %% tags=["parameters"]
transforms = ["scale", "translate"]  # of the pictures below; any of the 18
seed = 0  # which random draws to show

# %% tags=["remove-cell"]
from myst_nb import glue

from invariance import plots
from invariance.datasets import Split, Transforms2D
from invariance.ledger import deviations, effects

plots.use_book_style()

# %% [markdown]
# ## Quirks of the published code

# %% tags=["remove-input"]
deviations.show("quirk")

# %% [markdown]
# Three of them can be seen. Noise that wraps around leaves dark specks where there should be light ones:

# %% tags=["remove-cell"]
glue("noise", deviations.pictures(*effects.noise_variants(effects.objects()[3:12])))
glue("tried", deviations.tried(), display=False)
glue("random", deviations.pictures(*effects.random_objects(9)))

# %% [markdown]
# ```{glue:figure} noise
# :name: fig-noise
# :alt: Nine objects with noise, twice; in the lower row the noise has dark specks as well as light ones.
#
# The same objects under the same noise. Above, sums stop at the brightest value; below, they start again at zero.
# ```
#
# Random objects are meant to be noise without any structure. Read from the bytes of numbers, they have stripes, since
# every fourth byte is nearly always one of a few values:
#
# ```{glue:figure} random
# :name: fig-random
# :alt: Nine squares of coloured noise, twice; the lower ones have a regular pattern.
#
# Random objects of 32 x 32 pixels, uniform above, and below as the bytes of floating-point numbers.
# ```
#
# And the box that `translate` keeps inside the canvas is a little off once `scale` has moved the object. What the published code
# does otherwise are flags of a *protocol*. This one is called `boxes_stay`:

# %%
variants = ("corrected", "corrected+boxes_stay")
both = (Transforms2D(transforms=transforms, protocol=name) for name in variants)
splits = (Split(data.renderer(), seed, "train", 9) for data in both)
meant, published = (split.batch()[0] for split in splits)
changed = (meant != published).flatten(1).any(1).sum().item()

# %% tags=["remove-cell"]
glue("boxes", deviations.pictures(meant, published))
glue("changed", str(changed), display=False)

# %% [markdown]
# ```{glue:figure} boxes
# :name: fig-boxes
# :alt: Nine objects on landscapes in two rows, with the same draws as meant and as published.
#
# The same draws, as meant and as published. {glue:text}`changed` of the nine images differ. Where `scale` comes before `translate`,
# most objects stand some pixels further up or to the left, the more so the smaller they are, and may leave the canvas.
# ```
#
# ## Where the paper and its code disagree

# %% tags=["remove-input"]
deviations.show("text")

# %% [markdown]
# ## Choices of this book
#
# These are ours: to run offline, to get by with few seeds, to finish on a laptop, or to say how sure a number is.

# %% tags=["remove-input"]
deviations.show("choice")

# %% [markdown]
# ## What the slips change, one at a time
#
# A slip's effect on pixels is not its effect on a conclusion. So those that can matter were tried one at a time, each on the experiment that
# it touches: the same seeds with the flag and without it. The change is the difference, paired by seed; it is *clear* where its interval leaves
# out 0. What a flag cannot reach is left out: CIFAR's constants, for one, do not touch drawn landscapes.

# %% tags=["remove-input"]
deviations.experiments()

# %% [markdown]
# **A limitation.** Two slips together may do what none does alone.
#
# ## What to take away
#
# - A difference in pixels is not yet a difference in a conclusion. {glue:text}`tried`
# - What a paper describes and what its program does can differ without anybody's intention. A log of both is worth its length.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-quirk-order
# Does the order matter for the quirk of the box? Set `transforms` to `["translate", "scale"]`.
# ```
#
# ```{solution} ex-quirk-order
# :class: dropdown
# {numref}`fig-boxes` then shows the same images twice. `translate` reads the box before `scale` touches it, and nothing
# reads it afterwards.
# ```
#
# ```{exercise}
# :label: ex-quirk-noise
# How do images of the data set look with the published noise? Set `transforms` to `["noise"]`, and the second protocol to
# `"corrected+noise_wraps"`. In how many of the nine can you
# tell the two rows apart?
# ```
#
# ```{solution} ex-quirk-noise
# :class: dropdown
# Noise is applied with a probability of one half, so about half of the images do not differ at all. In the others the object's light
# parts have dark specks in the lower row.
# ```
#
# **Defined in:** {py:mod}`invariance.ledger.deviations` (the log, which is `deviations.yaml` beside it), {py:mod}`invariance.ledger.effects`
# (what is measured), {py:mod}`invariance.protocol` (what of it can be repeated).
