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
# # Measuring invariance
#
# Has a model learned to ignore a rotation? One could ask whether its answers stay the same. But on a new task the answers are thrown away: a new
# output layer is trained on what the rest of the model computes. So the question is about that inner result, the *representation*.

# %% tags=["remove-input"]
from invariance import drawings

drawings.sensitivity()

# %% [markdown]
# **In short.** {glue:text}`answer`
#
# :::{admonition} Where these numbers come from: budget {glue:text}`sizes.budget`, {glue:text}`sizes.seeds` seeds
# :class: dropdown
# The models are those of [chapter 3](03_invariances_or_classes). Their measurements took {glue:text}`seconds` worker seconds, the time that one
# process alone would need ({glue:text}`run`).
# :::

# %% tags=["parameters"]
import os

budget = os.environ.get("BUDGET", "quick")  # smoke, quick, night or paper
protocol = "corrected"  # or published: what the paper's code did
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many, or "paper"; 0 means as the budget says
seed = 0  # the seed whose pairs and distances are shown
category = "geometric"  # of the one shown: geometric, photometric, corruption
show = "auto"  # own, published, or auto: published at the paper's size, if any

# %% tags=["remove-cell"]
from invariance import chapter, live
from invariance.studies import measuring_invariance as study

sizes = study.STUDY.at(budget, seeds, protocol=protocol)

# %% [markdown]
# ## What a representation is
#
# A classifier has two parts. The *backbone* turns an image into a list of numbers, its representation; the *head*, one
# linear layer, turns that list into a score for each class. We write $f(x)$ for the representation of image $x$. For the
# network of this chapter it has {glue:text}`width` numbers.
#
# Training with many rotated images teaches the whole model to give them one label. Whether the rotation is already gone in
# $f(x)$, or only removed by the head, is what we want to know.
#
# ## Three models
#
# Imagine a *target*: a task for which a model is wanted. It has classes of its own and three transformations, one of each
# category. For this target we compare three models:
#
# - one *untrained*, with random weights;
# - one *trained with others*: on other classes, under three transformations that are not the target's (*mismatched*);
# - one *trained with it*: on other classes too, but under the target's three transformations (*matched*).
#
# A *seed* fixes everything that is drawn: the classes, the transformations, the images and the initial weights. Another seed
# repeats the experiment with all of that drawn anew.

# %%
found = study.STUDY.find(sizes, device, show)

# %% tags=["remove-cell"]
chapter.glue(found)
chapter.glue({"shown": study.one_category(sizes, seed, category)})
chapter.show(found, "pairs", seed=seed, category=category)

# %% [markdown]
# ## Pairs of images
#
# The measure compares images in pairs. In a *transformed pair* $(x, x')$ both images show the same object on the same
# background, together called the *content*; only the transformation was drawn anew. With Transforms-2D such pairs come for
# free, since content and transformation have separate random keys.

# %% [markdown]
# ```{glue:figure} pairs
# :name: fig-pairs
# :alt: Nine pairs of images, one above the other; each pair shares object and background and differs in one transformation.
#
# Nine transformed pairs of the target's classes, $x$ above $x'$. They differ in nothing but the draw of one transformation, here
# {glue:text}`shown`.
# ```
#
# ## From distances to a number
#
# For each pair we measure how far the representation moves, $\lVert f(x) - f(x') \rVert$. Is that far? It depends on
# the model: one network's numbers are around 1, another's around 100. So we compare it with the distance between random
# images $x$ and $y$ of the same data set. The sensitivity is the ratio of the two means:
#
# $$ s = \frac{\operatorname{mean}\ \lVert f(x) - f(x') \rVert}{\operatorname{mean}\ \lVert f(x) - f(y) \rVert}. $$
#
# - $s = 0$: the transformation does not move the representation at all. The model is perfectly invariant to it.
# - $s = 1$: the transformation moves it as far as changing to another image does.
#
# Lower means more invariant {cite}`speicher2024invariance`.

# The explorer shows such distances for one image at a time, divided by the mean distance of random images. Its networks are small ones, trained
# on all classes with one transformation or none. Guess first: which network has the lower sensitivity to `rotate`, the untrained one or the one
# that was trained without transformations?

# %%
live.explorer("invariance")

# %% [markdown]
# The map under the curve shows how far the image wanders among others while you move the slider. With the network that was trained with the
# transformation it stays closer to its place.
#
# One image says little: its curve is rough, and another object has another curve. Only the mean over many pairs is a property of the network.
# (The page measures on 200 pairs before ten backgrounds, the library on 2,000 before all of them, so the two numbers differ a little.)
#
# Now three models of this chapter, step by step for one transformation, with the networks of budget {glue:text}`own.budget`:

# %%
by_hand = study.by_hand(sizes, seed, category, device)

{kind: round(one.value, 2) for kind, one in by_hand.items()}

# %% tags=["remove-cell"]
chapter.glue({name: one.value for name, one in by_hand.items()}, "by hand, ", digits=2)
chapter.glue_figure("distances", study.distances(by_hand))

# %% [markdown]
# ```{glue:figure} distances
# :name: fig-distances
# :alt: Three panels, one a model, each with the histogram of distances of transformed pairs and that of random pairs.
#
# Distances between representations for {glue:text}`sizes.pairs` pairs with the same content and as many random pairs, in units of
# the mean distance of random pairs. Lines mark the means; that of the pairs with the same content is the sensitivity.
# ```
#
# The untrained network has a sensitivity of {glue:text}`by hand, untrained`, the one trained with others
# {glue:text}`by hand, trained with others`, and the one trained with this very transformation, beside two more,
# {glue:text}`by hand, trained with it`. If other pairs had been drawn, these numbers would differ a little.
#
# All three numbers are for classes that none of the models has seen.
#
# ## Invariant, or blind?
#
# An untrained network can have a low sensitivity too, and yet has learned nothing. Both images of a pair share their background, and a network
# that was never taught to look at the object hardly notices what happens to it. A trained network looks at the object, so it has more to notice.
#
# So do not compare a trained network with an untrained one by this number alone. Compare the two trained ones, on the same transformation.
#
# There is a second way to tell the two apart: exchange the object itself, and see whether the network notices that. Divide the sensitivity to the
# transformation by the sensitivity to another object. A network that is blind to objects moves little for either, and the share is large; one that
# is invariant notices the object and ignores the transformation, and the share is small. {glue:text}`blind`
#
# ## Three transformations, several seeds
#
# One transformation and one model could be luck. So we repeat this for several seeds, and for each of the target's three transformations.
#
# We then swap roles: what was "others" becomes the target. Each model is measured both ways, and a seed's number is the mean of both.
# [Chapter 3](03_invariances_or_classes) has a drawing of this swap.

# %% tags=["remove-cell"]
chapter.show(found, "bars")

# %% [markdown]
# ```{glue:figure} bars
# :name: fig-bars
# :alt: Bars of sensitivity for three kinds of model in each category of transformation.
#
# Sensitivity to the target's geometric, photometric and corruption transformation. Small marks are seeds, bars their means with 95 % intervals
# over seeds. Hollow marks are the paper's. Crosses, where there are any, are the smaller run that was made along with this page. The dotted line at 1 is the distance of another image.
# ```
#
# Averaged over seeds and categories, the sensitivity is {glue:text}`sensitivity_l2.matched.value` for models trained with the transformation,
# {glue:text}`sensitivity_l2.mismatched.value` for models trained with others, and {glue:text}`sensitivity_l2.untrained.value` for untrained ones.
#
# Some transformations are hard to ignore for all three models, which is why the bars' intervals are wide. Within a seed this cancels: there,
# training with others leaves a sensitivity that is higher by {glue:text}`advantage` (in brackets the 95 % interval over seeds).
#
# The nearest numbers of the paper are for ResNet-18, trained with one transformation at a time and averaged over all 18:
# {glue:text}`sensitivity_l2.matched.paper` on new objects for the transformation trained with, and {glue:text}`sensitivity_l2.mismatched.paper` for others.
# [A later chapter](07_invariance_transfer) repeats that experiment.

# %% [markdown]
# ## Other ways to measure
#
# Distance (also called *l2*) is one choice among several. Three others are common, and the same pairs give them all:
#
# - **Cosine**: the angle between $f(x)$ and $f(x')$ in the place of their distance. It ignores how long the representations are, so a
#   transformation that only makes them weaker goes unnoticed.
# - **Dot product**: squared distances in the place of distances. The ratio is then the share of the representation's variance that the
#   transformation makes. The paper's code reports ratios of the products themselves; the [deviation log](11_deviations) has both.
# - **CKA** (centred kernel alignment, {cite}`kornblith2019cka`): whether the same images stay alike when all are transformed. It is 1 for the same
#   pattern and 0 for unrelated ones, so here *higher* means more invariant. A shift that is the same for all images goes unnoticed.
#
# Do they agree on which model is the more invariant one? Compare the last two rows.

# %% tags=["remove-input"]
found.show("measures")

# %% [markdown]
# Means over seeds and the target's transformations, with 95 % intervals over seeds ({glue:text}`run`). The first three are
# 0 for a perfectly invariant model and 1 where a transformation moves an image as far as another image is. The book goes on with
# the first column, as the paper does. {glue:text}`agreement`

# %% tags=["remove-input"]
chapter.link(found)

# %% [markdown]
# ## What the number does not say
#
# **A limitation.** A low sensitivity is not good in itself. A network that gives every image the same representation would have nothing to move,
# and be of no use. The measure then refuses to answer, because the distance of random pairs is zero.
#
# ## What to take away
#
# - A sensitivity is a ratio: how far a transformation moves the representation, against how far apart two images are.
# - A low value means that the network ignores the transformation, or that it hardly looks at the object. Compare networks that both look.
# - One image says little. Means over many pairs, and differences within a seed, say more.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-category
# How do the histograms change for a transformation of colours?
# ```
#
# ```{solution} ex-category
# :class: dropdown
# Set `category = "photometric"` in the parameters cell and compare the three panels of {numref}`fig-distances` with the ones above. For the
# untrained network it should mostly matter how much the pixels change, since it has no idea of an object. For the trained ones it
# should also matter whether they were trained with the transformation. The bars of {numref}`fig-bars` show all three categories
# over the seeds.
# ```
#
# ```{exercise}
# :label: ex-seed
# Are the histograms of {numref}`fig-distances` typical? Show another seed.
# ```
#
# ```{solution} ex-seed
# :class: dropdown
# Set `seed = 1` in the parameters cell. Another seed has other transformations and other classes, so the numbers differ. Even the order
# of the two trained models can be another one in a single seed. On average over seeds, the one that was trained with the
# transformation should be the less sensitive one; by how much, and with what interval, stands under {numref}`fig-bars`.
# ```
#
# **Defined in:** {py:mod}`invariance.studies.measuring_invariance` (the whole study), {py:mod}`invariance.measures`
# ({py:obj}`~invariance.measures.sensitivity`, {py:obj}`~invariance.measures.cka`), {py:mod}`invariance.datasets.pairs` (pairs of images).
