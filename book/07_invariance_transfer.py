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
# Someone who learned to recognise rotated cups may recognise a rotated teapot. What about a rotated block of noise? A rotated photograph?
# Transfer learning meets data that pretraining never showed, so an invariance is of use only if it holds beyond the data on which it was learned.
# Does it, and how far beyond?

# %% tags=["remove-input"]
from invariance import drawings

drawings.experiment("invariance_transfer")

# %% [markdown]
# **In short.** {glue:text}`answer`
#
# :::{admonition} Where these numbers come from: budget {glue:text}`sizes.budget`, {glue:text}`sizes.seeds` seeds
# :class: dropdown
# The results on this page took {glue:text}`seconds` worker seconds, the time that one process alone would need
# ({glue:text}`run`). [Reproducibility](13_reproducibility) estimates what they cost at the paper's size.
# :::

# %% tags=["parameters"]
import os

budget = os.environ.get("BUDGET", "quick")  # smoke, quick, night or paper
protocol = "corrected"  # or published: what the paper's code did
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many, or "paper"; 0 means as the budget says
show = "auto"  # own, published, or auto: published at the paper's size, if any
transform_count = 0  # how many of the 18, 3 or more; 0 means as the budget says
architectures = 0  # how many to run, 1 to 4; 0 means as the budget says
pairs = 0  # of images a measurement, 2 or more; 0 means as the budget says
seed = 0  # the seed whose images are shown

# %% tags=["remove-cell"]
from invariance import chapter, live
from invariance.ledger import verdicts
from invariance.studies.invariance_transfer import STUDY

changed = {"transforms": transform_count, "architectures": architectures}
sizes = STUDY.at(budget, seeds, protocol=protocol, pairs=pairs, **changed)

# %% [markdown]
# ## The idea
#
# Write $s_t(m, D)$ for the sensitivity of model $m$ to transformation $t$ on data $D$, measured as in
# [Measuring invariance](02_measuring_invariance): 0 means that $t$ does not move the representation, 1 that it moves it as far as another image is.
# Call $m_t$ the model that was trained with $t$, on data $D_0$. We compare two numbers,
#
# $$ \underbrace{s_t(m_t, D)}_{\text{trained with it}} \qquad\text{and}\qquad
#    \underbrace{\operatorname{mean}_{u \neq t}\; s_t(m_u, D)}_{\text{trained with another}}. $$
#
# The second minus the first is the *advantage* of the model that was trained with $t$. If there is one on the training data $D_0$, then the
# invariance to $t$ was learned. If there still is one on other data $D$, then the invariance has transferred. Both numbers are for the
# *same* data, because some transformations change some kinds of image more than others, which moves both numbers alike.
#
# ## The experiment
#
# For each seed there is one model for each transformation, trained with it alone, and one trained with *none*. An *untrained* network stands
# beside them. The paper takes all 18 transformations; this run has {glue:text}`n_transforms` of them. The models are trained on 30 *image
# objects*, the objects of [Transforms-2D](01_transforms_2d), in front of scenes. The same is done again with 30 *random objects*, each a
# fixed block of random pixels, in front of noise.
#
# Each model's sensitivity to each transformation is then measured on ten types of data. *Training* objects are those on which the models
# of that kind, image or random, were trained; *new* ones are 30 others.

# %%
found = STUDY.find(sizes, device, show)

# %% tags=["remove-cell"]
chapter.glue(found)
chapter.show(found, "types", seed=seed)

# %% [markdown]
# ```{glue:figure} types
# :name: fig-transfer-types
# :alt: Ten rows of small images, one a type of data: objects and blocks of random pixels, each on scenes and on noise, and two rows of natural images.
#
# The ten types of data, without transformations. The first row is what models trained on image objects have seen, the sixth what models
# trained on random objects have seen. Offline, drawn scenes take
# the place of CIFAR-10 and CIFAR-100 (`cifar10` and `cifar100` in the file with the data), and both rows come from the same landscapes. On those
# a transformation changes the whole image, in the other rows only the object.
# ```
#
# ## The result

# %% tags=["remove-cell"]
chapter.show(found, "sensitivities")

# %% [markdown]
# ```{glue:figure} sensitivities
# :name: fig-transfer-sensitivities
# :alt: Two panels, for models trained on image objects and on random objects. For each of ten types of data four marks of sensitivity: trained with the transformation, with another, with none, untrained. The paper's values are hollow marks.
#
# Mean sensitivity over the transformations on each type of data; lower is more invariant. Left: models trained on image objects, right: on random
# objects; the grey band marks their own data. Large marks are means over seeds with 95 % intervals, small ones seeds. Hollow marks are the paper's. Crosses, where there are any, are the smaller run that was made along with this page. Run:
# {glue:text}`run`; model {glue:text}`model`, {glue:text}`sizes.samples` pretraining images, {glue:text}`sizes.pairs` pairs.
# ```
#
# Read the circle of each group against its square. The distance between the two, the *advantage*, tells about transfer; their height does not, for
# it comes from the data as well.
#
# On their own training objects, models on the left have a sensitivity of {glue:text}`sensitivity.image.same.training objects on scenes` to the
# transformation that they were trained with, and of {glue:text}`sensitivity.image.other.training objects on scenes` to the others. The paper has
# {glue:text}`sensitivity.image.same.training objects on scenes.paper` and {glue:text}`sensitivity.image.other.training objects on scenes.paper`.
#
# | the advantage, for models trained on image objects | this run | the paper |
# |---|---|---|
# | on their training objects | {glue:text}`advantage.image.training objects on scenes` | {glue:text}`advantage.image.training objects on scenes.paper` |
# | on new objects | {glue:text}`advantage.image.new objects on scenes` | {glue:text}`advantage.image.new objects on scenes.paper` |
# | on random blocks in front of noise | {glue:text}`advantage.image.new random objects on noise` | {glue:text}`advantage.image.new random objects on noise.paper` |
# | on natural images | {glue:text}`advantage.image.natural` | {glue:text}`advantage.image.natural.paper` |
#
# Random blocks have no shape, no parts and no texture that a real object would share. An invariance that is learned on them cannot be about
# cups or teapots. On image objects, which the models on the right have never seen, their sensitivity is
# {glue:text}`sensitivity.random.same.new objects on scenes` to the transformation trained with and
# {glue:text}`sensitivity.random.other.new objects on scenes` to others. In the paper it is
# {glue:text}`sensitivity.random.same.new objects on scenes.paper` and {glue:text}`sensitivity.random.other.new objects on scenes.paper`.
#
# ## Ignored, or not seen?
#
# A network may be little sensitive because it hardly looks at the object (see [chapter 2](02_measuring_invariance)). So divide the sensitivity to a
# transformation by that to another object in the same place. {glue:text}`blind`
#
# The chart has the same marks with their numbers, and adds models trained without transformations and untrained ones, for either kind of objects
# and for every architecture of this run:

# %%
live.chart("relations", found)

# %% [markdown]
# ## All numbers, and ranks
#
# A mean over transformations can hide that a few did all the work. Ranks count every transformation alike. For each one, all
# {glue:text}`n_ranked` trained models are sorted by their sensitivity to it; rank 1 is the most invariant. The last column says where the model that
# was trained with it stands, on average. Without any transfer that would be in the middle, at {glue:text}`middle`.

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All numbers", "code_prompt_hide": "Hide the numbers"}
found.show("comparison")

# %% tags=["remove-input"]
chapter.link(found)

# %% [markdown]
# Each cell has this run's mean over seeds, and the paper's value in brackets where its table has one. There are no ranks and no untrained models
# of the paper to put beside ours.
#
# ## Every model on every transformation
#
# Behind each mark stands a map. A column tells how much a transformation changes the data, as any model sees it; a row tells what a model ignores.
# Learned invariance is what stands out from both: a framed cell that is darker than the rest of *its column*.
#
# Is the model that was trained with a transformation also the most invariant one to it? {glue:text}`diagonal` Elsewhere, another model is more
# invariant.
#
# Call up any of the maps. Try *new objects on scenes* first, then *new random objects on noise*.

# %%
live.chart("pairs", found)

# %% [markdown]
# ## Families of transformations
#
# Training with one transformation may teach a model to ignore a related one. The table names, for each transformation, the most invariant of the
# models that were trained with another one, on new objects on scenes. The least of several numbers is in part luck, so a single row says little.

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "The families", "code_prompt_hide": "Hide the families"}
found.show("families")

# %% [markdown]
# If transformations of one category form a family, that other model should often be of the category that is measured. Within each seed this is so
# for a share of {glue:text}`family.image.new objects on scenes` of the transformations. If the other model were any of them, it would be so for
# {glue:text}`family.chance`. The paper does not report this.
#
# ## Other architectures
#
# The paper repeats the experiment with DenseNet, VGG and a vision transformer. The parameter `architectures` says how many are run.

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "The other architectures", "code_prompt_hide": "Hide them"}
found.show("architectures")

# %% [markdown]
# ## What agrees with the paper
#
# The [claims ledger](10_claims) splits the paper's claims into statements, and says what the verdicts mean. These are its statements about
# invariance on other data.

# %% tags=["remove-input"]
verdicts.show(verdicts.rows([found]))

# %% [markdown]
# Where this run and the paper differ, look for the reasons here first:
#
# - **Size.** A small network that was trained for a short time may be less invariant to what it was trained with. The advantage then shrinks.
# - **The pictures.** Offline, objects are drawn symbols, and even models trained with *another* transformation may ignore changes of
#   texture that matter in photographs.
# - **Pairs.** There are {glue:text}`sizes.pairs` pairs a measurement here and {glue:text}`paper.pairs` in the paper. The fewer there are, the
#   noisier are single cells of the maps; means and ranks are over many.
#
# This chapter reports the distance of representations, as the paper's table does. Other measures (cosine, dot product and CKA) are compared
# on the same pairs in [Measuring invariance](02_measuring_invariance).
#
# **A limitation.** Every model here learned one transformation alone. Real pretraining teaches many at once, and how they then carry over need
# not be the sum of what we see here.
#
# ## What to take away
#
# - {glue:text}`answer`
# - To see transfer, compare models on the same data. Heights of sensitivities on different data say as much about the data as about the models.
# - What a model learns to ignore includes relatives of what it was trained with, so the best model for a transformation need not be the one that was
#   trained with it.
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
# Choose *natural images* in the map above and compare it with *new objects on scenes*, column by column: a framed cell that is darker than the rest
# of its column in both belongs to an invariance that transferred. Mind what changes besides the data: on natural images a transformation acts on
# the whole image, not only on the object.
# ```
#
# ```{exercise}
# :label: ex-transfer-pairs
# How much of what you see in the maps is noise of the measurement?
# ```
#
# ```{solution} ex-transfer-pairs
# :class: dropdown
# Set `pairs` to four times the {glue:text}`sizes.pairs` of this run. The models come from the cache and only the measurements are done again.
# What the pairs add to the noise of a cell falls by half. Means and ranks should change little: there the seeds, with their own objects
# and trainings, probably make most of the spread, and more pairs do not help against that.
# ```
#
# **Defined in:** {py:mod}`invariance.studies.invariance_transfer` (the whole study), {py:mod}`invariance.units` (what is computed and kept),
# {py:mod}`invariance.measures` ({py:obj}`~invariance.measures.pair_keys`, {py:obj}`~invariance.measures.sensitivity`).
