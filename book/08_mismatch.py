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
# Nobody knows beforehand which transformations the next task will bring. So a pretrained model will lack some invariances, and have some that
# nobody asked for. Which is the worse mistake?
#
# The answer decides how one should pretrain. If extra invariances cost little, then pretraining may vary as much as it can. If they cost as
# much as missing ones, it has to guess right.
#
# **What it takes.** The results on this page took {glue:text}`seconds:,.0f` worker seconds, the time that one process alone would need
# ({glue:text}`source`); on two cores two workers share them. At the paper's size one seed of ResNet-18 is about
# {glue:text}`paper_hours` hours on one GPU. That is an estimate for a GPU of the H200 class, taken to train ResNet-18 on
# {glue:text}`gpu_rate:,d` images a second (assumed, not measured).

# %% tags=["parameters"]
import os

profile = os.environ.get("BOOK_PROFILE", "quick")  # smoke, quick or paper
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # 0 means as the profile says (at quick, twice for the first model)
show = "auto"  # own, published, or auto: published at the paper's size, if any
architectures = 0  # how many to run, 1 to 4; 0 means as the profile says
samples = 0  # pretraining images; 0 means as many as the profile says
seed = 0  # the seed whose images are shown

# %% tags=["remove-cell"]
from IPython.display import Markdown, display
from myst_nb import glue

from invariance import claims, evidence, figures, gallery, reproducing, results
from invariance.experiments import mismatch, profiles

figures.use_book_style()
changes = {"models": architectures, "samples": samples}
sizes = profiles.chosen(profile, seeds, mismatch={k: n for k, n in changes.items() if n})

# %% [markdown]
# ## The experiment
#
# Draw 8 of the 18 transformations of [Transforms-2D](01_transforms_2d), in random order, and let $T_k$ be the first $k$ of them. Each $T_k$
# contains all smaller ones. Models are pretrained on the same 30 classes under $T_1$, $T_2$, ..., $T_8$, and a linear probe tells how well each
# of them serves a target with the same classes under $T_1$, $T_2$, ..., $T_8$. That gives a table of 8 x 8 accuracies $a_{ij}$, for $i$
# transformations in pretraining and $j$ in the target.
#
# - On the diagonal, $i = j$, pretraining and target match.
# - Where $i < j$, pretraining lacked $j - i$ of the target's transformations.
# - Where $i > j$, it had $i - j$ that the target does not need.
#
# Targets with more transformations are harder for any model. So a model is not compared with itself on other targets, but with the
# *matching* model, the one of the diagonal, on the same target:
#
# $$ c_{ij} = a_{ij} - a_{jj}. $$
#
# Negative numbers are losses.

# %% tags=["remove-cell"]
order = mismatch.order(seed)
rows = [
    gallery.draws(mismatch.data(sizes, seed, k), label=0, count=7, seed=seed)[1] for k in range(1, mismatch.COUNT + 1)
]
names = [f"{'+ ' if k else ''}{name.replace('_', ' ')}" for k, name in enumerate(order)]
glue("steps", figures.picture_grid(rows, names, cell=0.6))
glue("order", ", ".join(name.replace("_", " ") for name in order), display=False)

# %% [markdown]
# ```{glue:figure} steps
# :name: fig-mismatch-steps
# :alt: Eight rows of images of one object; each row has one more transformation than the row above it.
#
# One class of one seed under $T_1$ to $T_8$. Each row keeps what the row above it did and adds one transformation. The order of
# this seed: {glue:text}`order`.
# ```
#
# Within a seed the classes are the same everywhere, so pretraining and target differ in nothing but the transformations. Another seed
# draws other transformations, another order, other classes and other initial weights.
# At `quick` the first model, {glue:text}`model`, has twice as many seeds as the others.

# %%
found = evidence.of("mismatch", sizes, device, show)
table = found.table
paper = results.paper_mismatch()

# %% tags=["remove-cell"]
main = results.main_model(table)
model = main["model"].iloc[0]
costs = results.mismatch_costs(main).set_index("missing")["value"].sort_index()
published = results.mismatch_costs(results.paper_model(paper, model)).set_index("missing")["value"]
most = int(costs.index.max())
for name, missing in (("one_missing", 1), ("most_missing", most), ("one_extra", -1), ("most_extra", -most)):
    glue(name, results.in_words(costs[missing], digits=3), display=False)
    glue(f"{name}_paper", results.papers_cost(published[missing]), display=False)
for name, count in (("one", 1), ("most", most)):
    extra = results.extra_minus_missing(main, count)
    glue(f"{name}_extra_more", results.in_words(extra, digits=3), display=False)
    glue(f"{name}_dearer", results.dearer(extra), display=False)
last = main["target"].max()
matching = main[(main["trained_with"] == last) & (main["target"] == last)]
glue("last", int(last), display=False)
glue("last_matching", results.in_words(matching["value"]), display=False)
glue("last_matching_paper", results.papers_matching(paper, model, last), display=False)
glue("guessing", 1 / mismatch.CLASSES, display=False)

used = found.record.sizes["mismatch"]
full = profiles.profile("paper", seeds=1, mismatch={"models": 1})
glue("source", found.caption, display=False)
glue("source_main", found.part(model=model).caption, display=False)
glue("seconds", found.record.seconds, display=False)
glue("paper_hours", reproducing.in_hours(reproducing.gpu_hours(full, "mismatch")), display=False)
glue("gpu_rate", reproducing.GPU_RATE, display=False)
glue("model", model, display=False)
glue("most", most, display=False)
glue("n_images", used["samples"], display=False)
glue("own_images", sizes.mismatch.samples, display=False)
glue("n_epochs", used["epochs"], display=False)
glue("n_probe", used["probe_samples"], display=False)
glue("paper_images", full.mismatch.samples, display=False)
glue("paper_epochs", full.mismatch.epochs, display=False)
glue("map", figures.mismatch_map(table, paper, model))
glue("maps", figures.mismatch_maps(table))
glue("curves", figures.mismatch_curves(table, paper))
glue("cost", figures.mismatch_cost(table, paper))

# %% [markdown]
# ## The table
#
# ```{glue:figure} map
# :name: fig-mismatch-map
# :alt: A map of eight by eight accuracies, number of transformations in pretraining in rows and in the target in columns, with the paper's values in brackets.
#
# Accuracy of the linear probe of model {glue:text}`model`; means over seeds, the paper's ResNet-18 in brackets (its plots do not tell values
# above 0.99 apart). Run: {glue:text}`source_main`; {glue:text}`n_images:,d` pretraining images.
# ```
#
# Read it column by column: a column is one target. Going down from its diagonal cell, pretraining has more and more that the target does not need;
# going up, it lacks more and more of what the target has.
#
# The same as curves, in the paper's form, for every architecture of this run:
#
# ```{glue:figure} curves
# :name: fig-mismatch-curves
# :alt: For each architecture eight curves of accuracy over the number of transformations in pretraining, one for each target; each has a mark where pretraining and target match.
#
# Accuracy over the number of transformations in pretraining, one curve a target. A mark shows where pretraining matches the target: left of
# it transformations are missing, right of it there are extra ones. Bands are 95 % intervals over seeds, dashed lines the paper.
# Run: {glue:text}`source`.
# ```
#
# ```{glue:figure} maps
# :name: fig-mismatch-maps
# :alt: The map of eight by eight accuracies for every architecture of this run.
#
# Accuracies in percent for every architecture of this run. Run: {glue:text}`source`.
# ```

# %% tags=["remove-input"]
found.link("mismatch")

# %% [markdown]
# ## What a missing and what an extra transformation costs
#
# Now average $c_{ij}$ over all cells that lack the same number of transformations, and over those that have the same number too many:
#
# ```{glue:figure} cost
# :name: fig-mismatch-cost
# :alt: Difference in accuracy from the matching model, over the number of extra transformations on the left and of missing ones on the right, one line an architecture.
#
# Mean difference from the matching model on the same target. Small marks are seeds, bars 95 % intervals over seeds, dashed lines the
# paper. Run: {glue:text}`source`.
# ```
#
# With model {glue:text}`model`, one missing transformation changes the accuracy by {glue:text}`one_missing`; with
# {glue:text}`most:d` missing it is {glue:text}`most_missing`. The paper's ResNet-18 has {glue:text}`one_missing_paper` and
# {glue:text}`most_missing_paper`.
#
# One extra transformation changes it by {glue:text}`one_extra`; {glue:text}`most:d` extra ones by {glue:text}`most_extra`. The paper has
# {glue:text}`one_extra_paper` and {glue:text}`most_extra_paper`, where ≈ 0 means zero within the error of reading its plots (± 0.005).
#
# So which is the worse mistake? In this run one extra transformation {glue:text}`one_dearer` a missing one: within seeds, its cost minus
# that of a missing one is {glue:text}`one_extra_more`. As to {glue:text}`most:d` of them, having them too many
# {glue:text}`most_dearer` lacking them; that difference is {glue:text}`most_extra_more`. In the paper extra ones cost far less.
#
# What is missing can cost no more than there is to lose. On the target with {glue:text}`last:d` transformations the matching model
# reaches {glue:text}`last_matching`, and guessing gives {glue:text}`guessing:.2f`; the paper's matching model reaches
# {glue:text}`last_matching_paper`.
#
# The right end of {numref}`fig-mismatch-cost` is about the hardest targets alone, since no others can lack so many. Where even the matching
# model is near guessing on them, the curve comes back towards zero there.
#
# All of them, this run ± half the width of its 95 % interval, and in brackets the paper's value for the architecture in the same place:

# %% tags=["remove-input"]
results.compared_mismatch_costs(table, paper)

# %% [markdown]
# And the accuracies behind them, this run's and in brackets the paper's, architecture by architecture:

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All accuracies", "code_prompt_hide": "Hide the values"}
for name in results.ordered(table["model"]):
    display(Markdown(f"**{name}**"), results.compared_mismatch(table, paper, name))

# %% [markdown]
# ## What agrees with the paper
#
# The paper's claims are split into statements, each with a rule that was fixed before any run: a number and the threshold that it has to
# pass. A statement is *supported* if the whole 95 % interval of this run lies on the right side of the threshold, *not supported* if it
# lies on the wrong one, and *undecided* otherwise. The [claims ledger](10_claims) has the reasons for the thresholds. Here the statements
# are about model {glue:text}`model`.

# %% tags=["remove-input"]
verdicts = claims.ledger({"mismatch": table})
claims.show(verdicts[verdicts["experiment"] == "mismatch"])

# %% [markdown]
# Where this run and the paper differ, look for the reasons here first:
#
# - **Size.** There are {glue:text}`n_images:,d` images and {glue:text}`n_epochs:d` epochs here, {glue:text}`paper_images:,d` and
#   {glue:text}`paper_epochs:d` in the paper, where a matching model makes hardly any mistakes. A model that is far from perfect on the matching
#   target has less to lose when something is missing. And an extra transformation makes pretraining harder. A small network with little
#   training may have no capacity or time to spare for it, so extra invariances can cost more here than at the paper's size.
# - **The probe.** It is trained on {glue:text}`n_probe:,d` images of the target here. The fewer they are, the more mistakes are the probe's and
#   not the model's.
#
# How does this fit in with the chapter on [when invariance harms](06_when_invariance_harms)? There an invariance is harmful where it throws
# away what the target asks for. Here no transformation ever changes the label, so an extra invariance throws away nothing that a target
# asks for.
#
# **A limitation.** The sets are nested: a model either lacks transformations or has some to spare, never both. A real pretraining mostly does both at
# once. And the order is one draw for each seed, so what the $k$-th step costs depends on which transformation came there.
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
# Set `samples` in the parameters cell to four times the {glue:text}`own_images:,d` of this profile, which makes four times the training as well, and
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
# Set `seeds = 6`. That makes six seeds, and twelve where `quick` has twice as many. Look at the small marks in
# {numref}`fig-mismatch-cost`: each is a seed with its own eight transformations. In the middle
# all seeds agree on zero by definition, since nothing is missing there; see whether their spread grows to both sides. The intervals of the means
# should shrink with more seeds. The spread of the marks should not: it is a property of the transformations.
# ```
#
# **Defined in:** {py:mod}`invariance.experiments.mismatch` (the experiment), {py:mod}`invariance.training`
# ({py:obj}`~invariance.training.fit.fit`, {py:obj}`~invariance.training.linear_probe`), {py:mod}`invariance.results`
# ({py:obj}`~invariance.results.mismatch_differences`, {py:obj}`~invariance.results.mismatch_costs`, and the paper's values),
# {py:mod}`invariance.claims` (the rules).
