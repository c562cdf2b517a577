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
# # Does an invariance carry over to other data?
#
# Transfer learning meets data that pretraining never showed. In [an earlier chapter](03_invariances_or_classes) models were pretrained
# under the target's transformations, but on other classes. For that to help, an invariance must hold beyond the data on which it was
# learned. Does it, and how far beyond?
#
# Someone who learned to recognise rotated cups may recognise a rotated teapot. What about a rotated block of noise? A rotated photograph?
# Here we measure it. Models learn one transformation on one kind of data, and we measure their invariance to it on ten kinds, from
# their own training objects to natural images.
#
# **What it takes.** The results on this page took {glue:text}`seconds:,.0f` worker seconds, the time that one process alone would need
# ({glue:text}`source`); on two cores two workers share them. At the paper's size one seed of ResNet-18 is about
# {glue:text}`paper_hours` hours on one GPU. That is an estimate for a GPU of the H200 class, taken to train ResNet-18 on
# {glue:text}`gpu_rate:,d` images a second (assumed, not measured).

# %% tags=["parameters"]
import os

profile = os.environ.get("BOOK_PROFILE", "quick")  # smoke, quick or paper
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many seeds to run; 0 means as many as the profile says
show = "auto"  # own, published, or auto: published at the paper's size, if any
architectures = 0  # how many to run, 1 to 4; 0 means as the profile says
pairs = 0  # of images a measurement, 2 or more; 0 means as the profile says
shown = "new objects on scenes"  # data of the large map: a name of the figure
seed = 0  # the seed whose images are shown

# %% tags=["remove-cell"]
from IPython.display import Markdown, display
from myst_nb import glue

from invariance import claims, evidence, figures, gallery, reproducing, results
from invariance.errors import check_known
from invariance.experiments import invariance_transfer, profiles

figures.use_book_style()
check_known("type of data", shown, invariance_transfer.DATA_TYPES)
changes = {"models": architectures, "pairs": pairs}
sizes = profiles.chosen(profile, seeds, invariance_transfer={k: n for k, n in changes.items() if n})

# %% [markdown]
# ## The idea
#
# Write $s_t(m, D)$ for the sensitivity of model $m$ to transformation $t$ on data $D$, measured as in
# [Measuring invariance](02_measuring_invariance): 0 means that $t$ does not move the representation, 1 that it moves it as far as another image is.
# Call $m_t$ the model that was trained with $t$, on data $D_0$. We compare two numbers,
#
# $$ \underbrace{s_t(m_t, D)}_{\text{same}} \qquad\text{and}\qquad
#    \underbrace{\operatorname{mean}_{u \neq t}\; s_t(m_u, D)}_{\text{other}}. $$
#
# If the first is lower on the training data $D_0$, then the invariance to $t$ was learned. If it is still lower on other data $D$, then the
# invariance has transferred. Both numbers are for the *same* data, because some transformations change some kinds of image more than
# others, which moves both numbers alike.
#
# ## The experiment
#
# There are 19 models for each seed: one for each of the 18 transformations, trained with it alone, and one trained with *none*. An
# *untrained* network stands beside them. (The profile `smoke` makes do with fewer transformations.) The models are trained on 30 *image
# objects*, the objects of [Transforms-2D](01_transforms_2d), in front of scenes. The same is done again with 30 *random objects*, each a
# fixed block of random pixels, in front of noise.
#
# Each model's sensitivity to each transformation is then measured on ten types of data. *Training* objects are those on which the models
# of that kind, image or random, were trained; *new* ones are 30 others.

# %% tags=["remove-cell"]
rows = [
    gallery.examples(invariance_transfer.data(sizes, name, seed), 7, seed) for name in invariance_transfer.DATA_TYPES
]
names = [results.READERS_NAMES.get(name, name) for name in invariance_transfer.DATA_TYPES]
glue("types", figures.picture_grid(rows, names, cell=0.5))

# %% [markdown]
# ```{glue:figure} types
# :name: fig-transfer-types
# :alt: Ten rows of small images, one a type of data: objects and blocks of random pixels, each on scenes and on noise, and two rows of natural images.
#
# The ten types of data, without transformations. For models that were trained on image objects, the first row is their own data and the
# others are stranger to them; models that were trained on random objects have the sixth row as their own. Offline, drawn scenes take
# the place of CIFAR-10 and CIFAR-100 (`cifar10` and `cifar100` in the file with the data), and both rows come from the same landscapes. On those
# a transformation changes the whole image, in the other rows only the object.
# ```

# %%
found = evidence.of("invariance_transfer", sizes, device, show)
table = results.main_model(found.table)
paper = results.paper_invariance_transfer()

# %% tags=["remove-cell"]
NEAR, NEW, FAR, NATURAL = (
    "training objects on scenes",
    "new objects on scenes",
    "new random objects on noise",
    "cifar10",
)
ours = results.relations(table).set_index(["trained_on", "relation", "data"])["value"].sort_index()
published = results.paper_model(paper, table["model"].iloc[0]).set_index(["trained_on", "relation", "data"])["value"]
for name, data in (("near", NEAR), ("new", NEW), ("far", FAR), ("natural", NATURAL)):
    for relation in ("same", "other"):
        glue(f"{name}_{relation}", results.in_words(ours["image", relation, data]), display=False)
        glue(f"{name}_{relation}_paper", float(published["image", relation, data]), display=False)
for relation in ("same", "other"):
    glue(f"random_{relation}", results.in_words(ours["random", relation, NEW]), display=False)
    glue(f"random_{relation}_paper", float(published["random", relation, NEW]), display=False)

used = found.record.sizes["invariance_transfer"]
full = profiles.profile("paper", seeds=1, invariance_transfer={"models": 1})
glue("source", found.caption, display=False)
glue("seconds", found.record.seconds, display=False)
glue("paper_hours", reproducing.in_hours(reproducing.gpu_hours(full, "invariance_transfer")), display=False)
glue("gpu_rate", reproducing.GPU_RATE, display=False)
glue("model", table["model"].iloc[0], display=False)
glue("n_images", used["samples"], display=False)
glue("n_pairs", used["pairs"], display=False)
glue("own_pairs", sizes.invariance_transfer.pairs, display=False)
glue("paper_pairs", full.invariance_transfer.pairs, display=False)
glue("shown", results.READERS_NAMES.get(shown, shown), display=False)
others = found.table["model"].nunique() - 1
sentence = (
    "The tables of the other architectures of this run follow." if others else "This run has one architecture only."
)
glue("other_models", sentence, display=False)
glue("image_bars", figures.transfer_bars(found.table, paper))
glue("random_bars", figures.transfer_bars(found.table, paper, "random"))
glue("map", figures.transfer_map(found.table, shown))
glue("image_maps", figures.transfer_maps(found.table))
glue("random_maps", figures.transfer_maps(found.table, "random"))

# %% [markdown]
# ## Models trained on image objects
#
# ```{glue:figure} image_bars
# :name: fig-transfer-image
# :alt: For each of ten types of data four bars of sensitivity: trained with the transformation, with another, with none, untrained. The paper's values are hollow marks.
#
# Mean sensitivity over the transformations, on each type of data, for models trained on image objects. Dots are seeds, bars their means with
# 95 % intervals, hollow marks the paper's ResNet-18. Offline the two kinds of natural images are the same landscapes and count as one.
# Run: {glue:text}`source`; model {glue:text}`model`, {glue:text}`n_images:,d` pretraining images, {glue:text}`n_pairs:,d` pairs.
# ```
#
# Read the upper two bars of each group against each other. On the training objects, models have a sensitivity of {glue:text}`near_same`
# to the transformation that they were trained with, and of {glue:text}`near_other` to the others. The paper has
# {glue:text}`near_same_paper:.2f` and {glue:text}`near_other_paper:.2f`.
#
# On new objects it is {glue:text}`new_same` and {glue:text}`new_other` (paper: {glue:text}`new_same_paper:.2f` and
# {glue:text}`new_other_paper:.2f`). On random blocks in front of noise, which share nothing with the training images but their layout, it is
# {glue:text}`far_same` and {glue:text}`far_other` (paper: {glue:text}`far_same_paper:.2f` and {glue:text}`far_other_paper:.2f`). On natural
# images in the place of CIFAR-10 it is {glue:text}`natural_same` and {glue:text}`natural_other` (paper: {glue:text}`natural_same_paper:.2f` and
# {glue:text}`natural_other_paper:.2f`).
#
# The *distance between these two bars* tells about transfer, not their height. Untrained networks show why: they never learned anything,
# so whatever differs between their bars comes from the data.
#
# ## Models trained on random objects
#
# Random blocks have no shape, no parts and no texture that a real object would share. An invariance that is learned on them cannot be about
# cups or teapots.
#
# ```{glue:figure} random_bars
# :name: fig-transfer-random
# :alt: The same bars for models that were trained on random objects.
#
# The same for models trained on random objects in front of noise. Offline the two kinds of natural images are the same landscapes and
# count as one. Run: {glue:text}`source`.
# ```
#
# On image objects, which these models have never seen, the sensitivity is {glue:text}`random_same` to the transformation trained with and
# {glue:text}`random_other` to others. In the paper it is {glue:text}`random_same_paper:.2f` and {glue:text}`random_other_paper:.2f`.
#
# ## All numbers, and ranks
#
# A mean over 18 transformations can hide that a few did all the work. Ranks count every transformation alike: for each one, all trained
# models are sorted by their sensitivity to it, and the last column says where the one that was trained with it stands, on average. Rank 1
# is the most invariant. Without any transfer the mean rank would be in the middle.

# %% tags=["remove-input"]
results.compared_invariance_transfer(found.table, paper)

# %% tags=["remove-input"]
found.link("invariance_transfer")

# %% [markdown]
# Each cell has this run ± half the width of its 95 % interval over seeds, and the paper's value in brackets where its table has one.
# There are no ranks and no untrained models of the paper to put beside ours.
#
# ## The whole picture
#
# Behind each bar stands a map: every model against every transformation.
#
# ```{glue:figure} map
# :name: fig-transfer-map
# :alt: A map of sensitivities with the transformation trained with in rows and the transformation measured in columns; the cells where both are the same have a frame.
#
# Sensitivity of each model (rows: what it was trained with) to each transformation (columns), on {glue:text}`shown`, for models trained on
# image objects; means over seeds. Frames mark the transformation trained with. Run: {glue:text}`source`.
# ```
#
# A column tells how much a transformation changes this data, as any model sees it. A row tells what a model ignores. Learned invariance is
# what stands out from both: a framed cell that is darker than the rest of *its column*. Look for dark cells beside the frames, too. Training with
# one transformation may teach a model to ignore a related one.
#
# The same map for all ten types of data shows whether the diagonal fades as data get stranger to the models:
#
# ```{glue:figure} image_maps
# :name: fig-transfer-image-maps
# :alt: Ten small maps of models against transformations, one for each type of data, for models trained on image objects.
#
# Models trained on image objects; rows, columns and colours as in {numref}`fig-transfer-map`. Upper row: on scenes, and the first kind of
# natural images; lower row: on noise, and the second kind. Run: {glue:text}`source`.
# ```
#
# ```{glue:figure} random_maps
# :name: fig-transfer-random-maps
# :alt: Ten small maps of models against transformations, one for each type of data, for models trained on random objects.
#
# Models trained on random objects. Run: {glue:text}`source`.
# ```
#
# ## Other architectures
#
# The paper repeats the experiment with DenseNet, VGG and a vision transformer. {glue:text}`other_models` The parameter `architectures` says how
# many are run.

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "The other architectures", "code_prompt_hide": "Hide the values"}
for name, rows_of_model in found.table.groupby("model", sort=False):
    if name != table["model"].iloc[0]:
        display(Markdown(f"**{name}**"), results.compared_invariance_transfer(rows_of_model, paper))

# %% [markdown]
# ## What agrees with the paper
#
# The paper's claims are split into statements, each with a rule that was fixed before any run: a number and the threshold that it has to
# pass. A statement is *supported* if the whole 95 % interval of this run lies on the right side of the threshold, *not supported* if it
# lies on the wrong one, and *undecided* otherwise. The [claims ledger](10_claims) has the reasons for the thresholds.

# %% tags=["remove-input"]
verdicts = claims.ledger({"invariance_transfer": found.table})
claims.show(verdicts[verdicts["experiment"] == "invariance_transfer"])

# %% [markdown]
# Where this run and the paper differ, look for the reasons here first:
#
# - **Size.** A small network that was trained for a short time may be less invariant to what it was trained with. The distance between
#   *same* and *other* then shrinks.
# - **The pictures.** Offline, objects are drawn symbols, and even models trained with *another* transformation may ignore changes of
#   texture that matter in photographs.
# - **Pairs.** There are {glue:text}`n_pairs:,d` pairs a measurement here and {glue:text}`paper_pairs:,d` in the paper. The fewer there are, the
#   noisier are single cells of the maps; bars and ranks average over many.
#
# This chapter reports the distance of representations, as the paper's table does. Other measures (cosine, dot product and CKA) are compared
# on the same pairs in [Measuring invariance](02_measuring_invariance).
#
# **A limitation.** Every model here learned one transformation alone. Real pretraining teaches many at once, and how they then carry over need
# not be the sum of what we see here.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-transfer-shown
# Which invariances hold on natural images, and which do not leave the training data?
# ```
#
# ```{solution} ex-transfer-shown
# :class: dropdown
# Set `shown = "cifar10"` in the parameters cell and compare the new {numref}`fig-transfer-map` with the old one, column by column: a framed
# cell that is darker than the rest of its column in both maps belongs to an invariance that transferred. Mind what changes besides the data: on
# natural images a transformation acts on the whole image, not only on the object.
# ```
#
# ```{exercise}
# :label: ex-transfer-pairs
# How much of what you see in the maps is noise of the measurement?
# ```
#
# ```{solution} ex-transfer-pairs
# :class: dropdown
# Set `pairs` to four times the {glue:text}`own_pairs:,d` of this profile. The models come from the cache and only the measurements are done again.
# What the pairs add to the noise of a cell falls by half. Bars and ranks should change little: there the seeds, with their own objects
# and trainings, probably make most of the spread, and more pairs do not help against that.
# ```
#
# **Defined in:** {py:mod}`invariance.experiments.invariance_transfer` (the experiment and its types of data), {py:mod}`invariance.measures`
# ({py:obj}`~invariance.measures.pair_keys`, {py:obj}`~invariance.measures.sensitivity`), {py:mod}`invariance.results`
# ({py:obj}`~invariance.results.relations`, {py:obj}`~invariance.results.ranks`, and the paper's values), {py:mod}`invariance.claims` (the
# rules).
