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
# # Too few invariances, or too many?
#
# Nobody knows beforehand which transformations the next task will bring. So a pretrained model will lack some invariances, and have some that nobody
# asked for. Which is the worse mistake?
#
# If extra invariances cost little, pretraining may vary as much as it can. If they cost as much as missing ones, it has to guess right.

# %% tags=["remove-input"]
from invariance import drawings

drawings.experiment("mismatch")

# %% [markdown]
# **In short.** {glue:text}`answer` {glue:text}`room`
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
model = ""  # small, small_vit, resnet18, ...; empty means the budget's
architectures = 0  # how many to run, 1 to 4; 0 means as the budget says
samples = 0  # pretraining images; 0 means as many as the budget says

# %% tags=["remove-cell"]
from invariance import chapter, live
from invariance.ledger import verdicts
from invariance.studies import training_length
from invariance.studies.mismatch import STUDY

sizes = STUDY.at(budget, seeds, model, protocol=protocol, architectures=architectures, samples=samples)

# %% [markdown]
# ## The experiment
#
# Draw 8 of the 18 transformations of [Transforms-2D](01_transforms_2d), in random order, and let $T_k$ be the first $k$ of them. Each $T_k$
# contains all smaller ones. Models are pretrained on the same 30 classes under $T_1$, $T_2$, ..., $T_8$, and a linear probe tells how well each
# of them serves a target with the same classes under $T_1$, $T_2$, ..., $T_8$. That gives a table of 8 x 8 accuracies $a_{ij}$, for $i$
# transformations in pretraining and $j$ in the target.
#
# - Where $i = j$, pretraining and target match.
# - Where $i < j$, pretraining lacks $j - i$ of the target's transformations.
# - Where $i > j$, it has $i - j$ that the target does not need.
#
# Targets with more transformations are harder for any model. So a model is compared with the *matching* model on the same target:
#
# $$ c_{ij} = a_{ij} - a_{jj}. $$
#
# Negative numbers are losses. All of this is one call, which trains what has not been trained before:

# %%
found = STUDY.find(sizes, device, show)

# %% tags=["remove-cell"]
chapter.glue(found)
chapter.show(found, "steps")

# %% [markdown]
# ```{glue:figure} steps
# :name: fig-mismatch-steps
# :alt: Eight rows of images of one object; each row has one more transformation than the row above it.
#
# One class of the first seed under $T_1$ to $T_8$. Each row keeps what the row above it did and adds one transformation. The order of
# this seed: {glue:text}`order`.
# ```
#
# Within a seed the classes are the same everywhere, so pretraining and target differ in nothing but the transformations. Another seed
# draws other transformations, another order, other classes and other initial weights.
#
# ## Every pair of sets
#
# Build the two sets yourself. The transformations of a set are the first of the order that a seed drew; the accuracy is the one that this run
# measured. Take three away from pretraining, then give it three that the target does not need. Which costs more?

# %%
live.chart("nested", found)

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All accuracies", "code_prompt_hide": "Hide the values"}
found.show("accuracies")

# %% tags=["remove-input"]
chapter.link(found)

# %% [markdown]
# In the file, `pretrained_on` and `probed_on` are the numbers of transformations in pretraining and in the target.
#
# ## What a missing and what an extra transformation costs
#
# Now average $c_{ij}$ over all cells that lack the same number of transformations, and over those that have the same number too many:

# %% tags=["remove-cell"]
chapter.show(found, "costs")
chapter.glue({"longer": training_length.told()})

# %% [markdown]
# ```{glue:figure} costs
# :name: fig-mismatch-cost
# :alt: Change of accuracy against the matching model, over the number of extra transformations on the left and of missing ones on the right, with the paper's as a dashed line.
#
# Which mistake costs more? Mean difference from the matching model on the same target: to the left with extra transformations, to the right with
# missing ones. Small marks are seeds, bars 95 % intervals over seeds, the dashed line is the paper's ResNet-18, crosses, where there are any, are
# the smaller run that was made along with this page. Run: {glue:text}`run`; {glue:text}`sizes.samples` pretraining images, {glue:text}`sizes.epochs` epochs.
# ```
#
# | change of accuracy | this run | the paper |
# |---|---|---|
# | one missing | {glue:text}`missing.1` | {glue:text}`missing.1.paper` |
# | one extra | {glue:text}`extra.1` | {glue:text}`extra.1.paper` |
# | seven missing | {glue:text}`missing.7` | {glue:text}`missing.7.paper` |
# | seven extra | {glue:text}`extra.7` | {glue:text}`extra.7.paper` |
#
# The paper's values for extra ones are zero within the error of reading its plots (± 0.005): there, extra transformations cost far less than missing
# ones.
#
# In this run one extra transformation {glue:text}`dearer.1` a missing one. The difference of the two costs, within seeds, is
# {glue:text}`extra-missing.1`. Having seven too many {glue:text}`dearer.7` lacking seven; that difference is {glue:text}`extra-missing.7`.
#
# What is missing can cost no more than there is to lose. {glue:text}`room` Guessing gives {glue:text}`guessing`; the paper's matching model
# reaches {glue:text}`accuracy.matching.paper`.
#
# The right end of the curve is about the hardest targets alone, since no others can lack so many. Where even the matching model is near guessing on
# them, the curve comes back towards zero there.
#
# All values, this run ± half the width of its 95 % interval, and in brackets the paper's for the architecture in the same place:

# %% tags=["remove-input"]
found.show("changes")

# %% [markdown]
# ## Too small, or trained too briefly?
#
# In the paper extra transformations cost nothing. Where they cost something here, the network may be too small for all of them, or trained too
# briefly. Only the second would go away with longer training. {glue:text}`longer`
#
# ## What agrees with the paper
#
# The [claims ledger](10_claims) splits the paper's claims into statements, and says what the verdicts mean. These are its statements about
# the mismatch, for model {glue:text}`model`.

# %% tags=["remove-input"]
verdicts.show(verdicts.rows([found]))

# %% [markdown]
# The last rule needs the *smallest* of seven losses. Taken from the same seeds, the smallest of several noisy numbers comes out too small. So
# each seed is measured at the step that is smallest in the other seeds.
#
# Where this run and the paper differ, look for the reasons here first:
#
# - **Size.** There are {glue:text}`sizes.samples` images and {glue:text}`sizes.epochs` epochs here, {glue:text}`paper.samples` and
#   {glue:text}`paper.epochs` in the paper, where a matching model makes hardly any mistakes. A model that is far from perfect on the matching
#   target has less to lose when something is missing. And an extra transformation makes pretraining harder. A small network with little
#   training may have no capacity or time to spare for it, so extra invariances can cost more here than at the paper's size.
# - **The probe.** It is trained on {glue:text}`sizes.probe_samples` images of the target here. The fewer they are, the more mistakes are the
#   probe's and not the model's.
# - **What is measured.** The published accuracies are means over training, validation and test images together
#   (see the [deviation log](11_deviations)); these are over {glue:text}`said.counted`.
#
# How does this fit in with the chapter on [when invariance harms](06_when_invariance_harms)? There an invariance is harmful where it throws
# away what the target asks for. Here no transformation ever changes the label, so an extra invariance throws away nothing that a target
# asks for.
#
# **A limitation.** The sets are nested: a model either lacks transformations or has some to spare, never both. A real pretraining mostly does both at
# once. And the order is one draw for each seed, so what the $k$-th step costs depends on which transformation came there.
#
# ## What to take away
#
# - {glue:text}`answer` {glue:text}`room`
# - In the paper extra invariances are nearly free and missing ones are not. A pretraining that has the time should vary as much as it can.
# - An extra transformation makes pretraining harder. A small network with little training may pay for it where a large one does not.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-mismatch-samples
# Is the cost of extra transformations a matter of too little training?
# ```
#
# ```{solution} ex-mismatch-samples
# :class: dropdown
# Set `samples` in the parameters cell to four times {glue:text}`sizes.samples`, which makes four times the training as well, and
# compare the left half of {numref}`fig-mismatch-cost` before and after. If the curve was below the zero line and moves up to it, the cost was
# one of learning more at once, and not of knowing more than needed.
# ```
#
# ```{exercise}
# :label: ex-mismatch-seeds
# Some transformations are hard to do without, others are not. How much do the curves depend on which eight were drawn?
# ```
#
# ```{solution} ex-mismatch-seeds
# :class: dropdown
# Set `seeds` to twice {glue:text}`sizes.seeds` and look at the small marks in {numref}`fig-mismatch-cost`: each is a seed with its own eight transformations. In the middle
# all seeds agree on zero by definition, since nothing is missing there; see whether their spread grows to both sides. The intervals of the means
# should shrink with more seeds. The spread of the marks should not: it is a property of the transformations.
# ```
#
# **Defined in:** {py:mod}`invariance.studies.mismatch` (the whole study), {py:mod}`invariance.units` (what is computed and kept),
# {py:mod}`invariance.training` ({py:obj}`~invariance.training.fit.fit`, {py:obj}`~invariance.training.linear_probes`).
