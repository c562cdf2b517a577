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
# Has a model learned to ignore a rotation? One could ask whether its answers stay the same. But on a new task the
# answers are thrown away: a new output layer is trained on what the rest of the model computes. So the question has
# to be put to that inner result, the *representation*.
#
# This chapter builds the measure that the book uses, the *sensitivity*, from pairs of images to a single number. Then it
# measures one untrained and two trained models. They are models of the [next chapter](03_invariances_or_classes), so where that
# has run, nothing is trained here.

# **What it takes.** The table of this page took {glue:text}`seconds:,.0f` worker seconds, the time that one process alone would need
# ({glue:text}`source`), its trainings included, which the next chapter uses too; on two cores two workers share them. At the paper's size one
# seed is about {glue:text}`paper_hours:.2f` hours on one GPU of the H200 class. That is an estimate: it assumes that such a GPU trains ResNet-18
# at {glue:text}`gpu_rate:,d` images a second.

# %% tags=["parameters"]
import os

profile = os.environ.get("BOOK_PROFILE", "quick")  # smoke, quick or paper
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many; 0 means as the profile says (at quick, twice as many)
seed = 0  # the seed whose pairs and distances are shown
category = "geometric"  # of the one shown: geometric, photometric, corruption
show = "auto"  # own, published, or auto: published at the paper's size, if any

# %% tags=["remove-cell"]
from myst_nb import glue

from invariance import evidence, figures, gallery, measures, reproducing, results
from invariance.experiments import factors, measuring, profiles
from invariance.training.inference import features_of_keys
from invariance.transforms import names_of

figures.use_book_style()
sizes = profiles.chosen(profile, seeds)

# %% [markdown]
# ## What a representation is
#
# A classifier has two parts. The *backbone* turns an image into a list of numbers, its representation; the *head*, one
# linear layer, turns that list into a score for each class. We write $f(x)$ for the representation of image $x$. For the
# network of this chapter it has {glue:text}`width:d` numbers.
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
# - one *trained with others*: on other classes, under three other transformations;
# - one *trained with it*: on other classes too, but under the target's three transformations.
#
# A *seed* fixes everything that is drawn: the classes, the transformations, the images and the initial weights. Another seed
# repeats the experiment with all of that drawn anew.

# %%
trained = measuring.model(sizes, seed, "trained with it", device).trained()

# %% tags=["remove-cell"]
glue("width", trained.width, display=False)

# %% [markdown]
# ## Pairs of images
#
# The measure compares images in pairs. In a *transformed pair* $(x, x')$ both images show the same object on the same
# background, together called the *content*; only the transformation was drawn anew. With Transforms-2D such pairs come for
# free, since content and transformation have separate random keys.

# %%
task = factors.task(sizes, seed)
of_category = names_of(category)
name = next(name for name in task.transforms["same"] if name in of_category)
data = factors.SETTINGS["t2d"].data(sizes, task.classes["same"], (name,))
source = data.renderer("cpu")
x, x_prime = measures.paired_images(source, pairs=9, seed=seed)

# %% tags=["remove-cell"]
glue("shown", name, display=False)
glue(
    "pairs",
    figures.picture_grid([gallery.pictures(x), gallery.pictures(x_prime)], ["x", "x'"]),
)

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

# %%
keys = measures.pair_keys(source, sizes.factors.pairs, seed)
found = {}
for kind in measuring.KINDS:
    backbone = measuring.model(sizes, seed, kind, device).trained()
    content, first, second = keys
    before = features_of_keys(backbone, source, content, transformation=first)
    after = features_of_keys(backbone, source, content, transformation=second)
    found[kind] = measures.sensitivity(before, after, seed)

{kind: round(s.value, 2) for kind, s in found.items()}

# %% tags=["remove-cell"]
glue("n_pairs", sizes.factors.pairs, display=False)
glue("s_untrained", found["untrained"].value, display=False)
glue("s_other", found["trained with others"].value, display=False)
glue("s_same", found["trained with it"].value, display=False)
glue("s_same_low", found["trained with it"].low, display=False)
glue("s_same_high", found["trained with it"].high, display=False)
glue(
    "distances",
    figures.distances(
        {kind: s.within.numpy() for kind, s in found.items()},
        {kind: s.between.numpy() for kind, s in found.items()},
    ),
)

# %% [markdown]
# ```{glue:figure} distances
# :name: fig-distances
# :alt: Three panels, one a model, each with the histogram of distances of transformed pairs and that of random pairs.
#
# Distances between representations for {glue:text}`n_pairs:,d` pairs with the same content and as many random pairs, in units of
# the mean distance of random pairs. Lines mark the means; that of the pairs with the same content is the sensitivity.
# ```
#
# The untrained network has a sensitivity of {glue:text}`s_untrained:.2f`, the one trained with others {glue:text}`s_other:.2f`, and
# the one trained with this very transformation, beside two more, {glue:text}`s_same:.2f`. If other pairs had been drawn, the last
# number would differ a little: its 95 % interval, found by resampling the pairs, is {glue:text}`s_same_low:.2f` to
# {glue:text}`s_same_high:.2f`.
#
# Note what the models were *not* trained on: these objects. All three numbers are for classes that none of the models has seen.
#
# An untrained network can come out low as well. Both images of a pair share their background, while a random pair differs in it,
# and a network that was never taught to look at the object may hardly notice what happens to it. A trained network looks at
# the object, so it has more to notice. That is why the comparison that counts is between the two trained models, on the same
# transformation. Over several seeds, the next section puts a number on it.
#
# ## Three transformations, several seeds
#
# One transformation and one model could be luck. So we repeat it: for every seed, we measure the sensitivity of the three models
# to each of the target's three transformations. The three others would have made as good a target. So we measure the sensitivity
# to these as well; there the two trained models change places. A seed's number is the mean of both.

# %%
found_all = evidence.of("measuring", sizes, device, show)
table = measuring.by_category(found_all.table)

# %% tags=["remove-cell"]
average = table.groupby("kind")["value"].mean()
glue("mean_untrained", float(average["untrained"]), display=False)
glue("mean_other", float(average["trained with others"]), display=False)
glue("mean_same", float(average["trained with it"]), display=False)
glue("advantage", results.in_words(measuring.advantage(table)), display=False)
glue("source", found_all.caption, display=False)
glue("seconds", found_all.record.seconds, display=False)
one_seed = profiles.profile("paper", seeds=1)
glue("paper_hours", reproducing.gpu_hours(one_seed, "measuring"), display=False)
glue("gpu_rate", reproducing.GPU_RATE, display=False)
glue("bars", figures.sensitivity_bars(table))

# %% [markdown]
# ```{glue:figure} bars
# :name: fig-bars
# :alt: Bars of sensitivity for three kinds of model in each category of transformation.
#
# Sensitivity to the target's geometric, photometric and corruption transformation. Dots are seeds, bars their means with 95 %
# intervals over seeds. Run: {glue:text}`source`.
# ```
#
# Averaged over seeds and categories, the sensitivity is {glue:text}`mean_same:.2f` for models trained with the transformation,
# {glue:text}`mean_other:.2f` for models trained with others, and {glue:text}`mean_untrained:.2f` for untrained ones. Which transformations
# a seed's target has makes a large difference, to all three models alike; that is why the bars' intervals are wide. Compared within
# each seed, training with others leaves a sensitivity that is higher by {glue:text}`advantage`.
#
# With few seeds an interval can reach values that do not exist, such as a sensitivity below 0 or an accuracy above 1. It only says that
# little is known. Most axes stop at 0 and at 1 all the same, and cut such a bar.
#
# The nearest numbers of the paper are for ResNet-18, trained with one transformation at a time and averaged over all 18:
# {glue:text}`paper_same:.2f` on new objects for the transformation trained with, and {glue:text}`paper_other:.2f` for others.
# [A later chapter](07_invariance_transfer) repeats that experiment.

# %% tags=["remove-cell"]
columns = results.paper()["invariance_transfer"]["columns"]["image_models"]
published = results.paper()["invariance_transfer"]["resnet18"]["image_models"]
glue("paper_same", float(published["same"][columns.index("new objects")][0]), display=False)
glue("paper_other", float(published["other"][columns.index("new objects")][0]), display=False)

# %% [markdown]
# ## Other ways to measure
#
# Distance (also called *l2*) is one choice among several. Three others are common, and the same pairs give them all:
#
# - **Cosine**: the distance $1 - \cos$ of the angle between $f(x)$ and $f(x')$, again divided by that of random pairs. It ignores how
#   long the representations are.
# - **Dot product**: the same ratio with squared distances. The name comes from
#   $\lVert a - b \rVert^2 = \lVert a \rVert^2 + \lVert b \rVert^2 - 2 \, a \cdot b$: for vectors of equal length, a larger product is a smaller distance. The squared distance of random pairs is
#   on average twice the representation's variance, so the ratio is the share of that variance that the transformation makes. The paper's
#   code reports ratios of the products themselves, and likewise of the cosines; the [deviation log](11_deviations) has both.
# - **CKA** (centred kernel alignment, {cite}`kornblith2019cka`) asks something else: whether the pattern of likenesses among many
#   images stays the same when all of them are transformed. It is 1 for the same pattern and 0 for unrelated ones, so here *higher*
#   means more invariant.

# %% tags=["remove-input"]
results.compared_measures(found_all.table)

# %% [markdown]
# Means over seeds and the target's transformations, with 95 % intervals over seeds ({glue:text}`source`). The first three are
# 0 for a perfectly invariant model and 1 where a transformation moves an image as far as another image is. The book goes on with
# the first column, as the paper does.

# %% tags=["remove-input"]
found_all.link("measuring")

# %% [markdown]
# ## What the number does not say
#
# **A limitation.** A low sensitivity is not good in itself. A network that gives every image the same representation would have
# nothing to move, and be of no use. The measure then refuses to answer, because the distance of random pairs is zero.
#
# Nor does a comparison with an untrained network say much, as we saw above: such a network may be little sensitive only because it hardly
# looks at the object.
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
# **Defined in:** {py:mod}`invariance.measures` ({py:obj}`~invariance.measures.sensitivity`, {py:obj}`~invariance.measures.pair_keys`,
# {py:obj}`~invariance.measures.cka`), {py:mod}`invariance.experiments.measuring` (the models and the table above),
# {py:mod}`invariance.results` ({py:obj}`~invariance.results.compared_measures`, and the paper's values).
