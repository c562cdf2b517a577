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
# # Invariance against everything else
#
# The [chapter before](03_invariances_or_classes) compared the task's transformations with the task's classes. But whoever looks for
# a pretrained model has more to choose from. A larger network, or another kind? One that was trained on more images? Would it be
# better to spend the effort on labelling more images of one's own task, or on training all weights on it instead of a
# linear layer?
#
# This chapter puts the same question to each of these: is it worth more, or less, than pretraining with the transformations of
# the task?
#
# **What it takes.** The results on this page took {glue:text}`seconds:,.0f` worker seconds, the time that one process alone would need,
# and the check of learning rates at the end {glue:text}`rate_seconds:,.0f`, part of it shared ({glue:text}`source`); on two cores two
# workers share them. At the paper's size one seed is about {glue:text}`paper_hours:.2f` hours on one GPU of the H200 class. That is an
# estimate: it assumes that such a GPU trains ResNet-18 at {glue:text}`gpu_rate:,d` images a second, and reaches as many operations a second on
# the other networks.

# %% tags=["parameters"]
import os

profile = os.environ.get("BOOK_PROFILE", "quick")  # smoke, quick or paper
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many seeds to run; 0 means as many as the profile says
show = "auto"  # own, published, or auto: published at the paper's size, if any
pictures = "embedded"  # or paper: the paper's own pictures, downloaded
model = ""  # small, small_vit, resnet18, ... everywhere; empty: the profile's
few = 0  # target images for fine-tuning on few; 0 means as the profile says
seed = 0  # the seed whose images are shown

# %% tags=["remove-cell"]
from myst_nb import glue

from invariance import claims, evidence, figures, gallery, reproducing, results
from invariance.experiments import factors, profiles

figures.use_book_style()
sizes = profiles.chosen(
    profile,
    seeds,
    pictures=pictures,
    models=(model,) * 5 if model else None,
    factors={"few": few} if few else None,
)

# %% [markdown]
# ## The experiment
#
# The target task is that of the chapter before: {glue:text}`n_target:d` classes of [Transforms-2D](01_transforms_2d) under three
# transformations. Every model is pretrained twice, once with the target's transformations (*same*) and once with three others
# (*other*). Then one *factor* varies at a time:
#
# | factor | its levels in this run |
# |---|---|
# | class relationship | subset, disjoint, same, superset |
# | architecture | {glue:text}`architectures` |
# | pretraining samples | {glue:text}`pretraining_levels` images |
# | fine-tuning samples | {glue:text}`finetuning_levels` images of the target |
#
# Whatever does not vary is at its default: {glue:text}`model`, {glue:text}`n_images:,d` pretraining images, classes disjoint from the
# target's. The fine-tuning samples are the exception: there, pretraining has seen the target's own classes.

# %% tags=["remove-cell"]
task = factors.task(sizes, seed)
setting = factors.SETTINGS["t2d"]
shown = {
    "pretraining, same": ("disjoint", "same"),
    "pretraining, other": ("disjoint", "disjoint"),
    "target": ("same", "same"),
}
rows = [
    gallery.examples(setting.data(sizes, task.classes[classes], task.transforms[used]), 9, seed)
    for classes, used in shown.values()
]
glue("n_target", setting.target, display=False)
glue("same_names", ", ".join(task.transforms["same"]), display=False)
glue("other_names", ", ".join(task.transforms["disjoint"]), display=False)
glue("examples", figures.picture_grid(rows, list(shown)))

# %% [markdown]
# ```{glue:figure} examples
# :name: fig-factors-examples
# :alt: Three rows of nine images: pretraining data under the target's transformations, under others, and the target with other classes.
#
# The default pretraining data with the target's transformations ({glue:text}`same_names`), with others ({glue:text}`other_names`), and
# the target. Pretraining and target share no class.
# ```
#
# A pretrained model is transferred to the target in three ways:
#
# - by **linear probe** on {glue:text}`n_probe:,d` images: the backbone is frozen, only a new linear layer is trained;
# - by **full fine-tuning on few** images, {glue:text}`n_few:,d` of them: starting from the probe's layer, all weights are trained;
# - by **full fine-tuning on many** images, {glue:text}`n_many:,d` of them.
#
# As in the chapter before, every pair of models is probed in both directions, on the target's transformations and on the other three, and
# a seed's number is the mean of both. Full fine-tuning costs more and is done in the first direction only, which is the paper's
# {cite}`speicher2024invariance`.
#
# At `quick` the probes of the class relationship are those of the chapter before, with twice as many seeds as everything else on
# this page.

# %%
found = evidence.of("factors", sizes, device, show)
table = found.table
paper = results.paper_factors()

# %% tags=["remove-cell"]
ours, theirs = (
    {transfer: results.by_factor(of, "t2d", transfer) for transfer in results.TRANSFER_NAMES} for of in (table, paper)
)
for transfer in results.TRANSFER_NAMES:
    glue(f"panels_{transfer}", figures.factor_panels(ours[transfer], theirs[transfer]))

# The direction and the seeds that all three kinds of transfer share.
first = table[(table["target"] == "first") & table["seed"].isin(found.record.seeds)]
compared = [name for name in results.PRETRAINING_FACTORS if name in ours["lp"]]
for transfer in results.TRANSFER_NAMES:
    classes = results.by_factor(first, "t2d", transfer)["class_relationship"]
    published = results.summary(theirs[transfer]["class_relationship"])
    glue(f"gap_{transfer}", results.in_words(results.summary_by_seed(classes)["gap"]), display=False)
    glue(f"paper_gap_{transfer}", published["gap"], display=False)
    glue(f"source_{transfer}", found.part(transfer=transfer).caption, display=False)
glue("source_first", evidence.Evidence(first, found.record).caption, display=False)
gap_by = {
    transfer: results.summary_by_seed(results.factor_rows(first, "finetuning_samples", "t2d", transfer)).set_index(
        "seed"
    )["gap"]
    for transfer in ("lp", "full-few")
}
glue("narrowing", results.in_words(gap_by["lp"] - gap_by["full-few"]), display=False)
glue("summary", figures.factor_summaries(first, paper, factors=compared))

samples, published = (of["lp"]["finetuning_samples"] for of in (ours, theirs))
counterparts = results.paper_levels(samples, published)
levels = results.ordered(samples["level"])
published = published.set_index(["transforms", "level"])["value"]
for name, kind, level in (
    ("least", "same", levels[0]),
    ("second", "same", levels[1]),
    ("most", "disjoint", levels[-1]),
    ("most_same", "same", levels[-1]),
):
    accuracy = samples.loc[(samples["level"] == level) & (samples["transforms"] == kind), "value"]
    glue(f"n_{name}", int(level), display=False)
    glue(f"accuracy_{name}", results.in_words(accuracy), display=False)
    glue(f"paper_n_{name}", int(counterparts[level]), display=False)
    glue(f"paper_accuracy_{name}", float(published[kind, counterparts[level]]), display=False)

most_same = samples.loc[(samples["level"] == levels[-1]) & (samples["transforms"] == "same"), "value"].mean()
glue("reached", "do not reach 0.95 either" if most_same < 0.95 else "do reach 0.95", display=False)
counts = "is weak support at this size" if most_same < 0.95 else "says something about the transformations"
glue("support", counts, display=False)

pretraining, paper_pretraining = (of["lp"]["pretraining_samples"] for of in (ours, theirs))
beside = results.paper_levels(pretraining, paper_pretraining)
alone = [int(level) for level in results.ordered(paper_pretraining["level"]) if level not in beside.values()]
glue("without_counterpart", ", ".join(f"{level:,}" for level in alone) or "none", display=False)

used, full = found.record.sizes["factors"], profiles.profile("paper", seeds=1)
glue("source", found.caption, display=False)
glue("seconds", found.record.seconds, display=False)
glue("paper_hours", reproducing.gpu_hours(full, "factors"), display=False)
glue("gpu_rate", reproducing.GPU_RATE, display=False)
glue("paper_probe", full.factors.probe_samples, display=False)
glue("paper_many", int(full.factors.many), display=False)
glue("model", found.record.sizes["models"][0], display=False)
glue("architectures", ", ".join(results.ordered(table.loc[table["factor"] == "architecture", "level"])), display=False)
glue("pretraining_levels", ", ".join(f"{level:,}" for level in used["pretraining_levels"]), display=False)
glue("finetuning_levels", ", ".join(f"{int(level):,}" for level in levels), display=False)
glue("n_images", used["samples"], display=False)
glue("n_probe", used["probe_samples"], display=False)
glue("n_few", int(used["few"]), display=False)
glue("n_many", int(used["many"]), display=False)
glue("n_validation", used["tuning_validation_samples"], display=False)
glue("n_rate_used", used["tuning_learning_rate"], display=False)
glue("least_images", profiles.profile("quick").factors.least_images, display=False)
glue("paper_epochs", full.factors.epochs, display=False)

# %% [markdown]
# ## Four factors, seen by a linear probe
#
# ```{glue:figure} panels_lp
# :name: fig-factors-lp
# :alt: Four panels, one a factor, with the accuracy of the linear probe over its levels, for the same and for other transformations, and the paper's values as hollow marks.
#
# Accuracy of the linear probe on the target. Filled marks: this run, with seeds as small marks and 95 % intervals over seeds. Hollow marks:
# the paper; where its level is another number, that stands in brackets. Bars that meet an edge go on beyond it.
# Run: {glue:text}`source_lp`.
# ```
#
# In each panel there are two things to compare. The distance between the two lines is what the transformations are worth. The height of
# a line, from its lowest to its highest point, is what the factor is worth.
#
# The last panel answers the question of the one who labels images. With {glue:text}`n_least:,d` of them, a model that was pretrained with
# the target's transformations reaches {glue:text}`accuracy_least`, with {glue:text}`n_second:,d` it reaches {glue:text}`accuracy_second`. A
# model that was pretrained with other transformations reaches {glue:text}`accuracy_most` with {glue:text}`n_most:,d`.
#
# In the paper, the same transformations give {glue:text}`paper_accuracy_least:.2f` with {glue:text}`paper_n_least:,d` images and
# {glue:text}`paper_accuracy_second:.2f` with {glue:text}`paper_n_second:,d`; other transformations give {glue:text}`paper_accuracy_most:.2f` with
# {glue:text}`paper_n_most:,d`.
#
# The table has all means of this run, the paper's in brackets, and this run's gap with its standard error and 95 % interval over seeds.
# Numeric levels stand beside the paper's in the same place.

# %% tags=["remove-input"]
results.compared_factors(ours["lp"], theirs["lp"])

# %% tags=["remove-input"]
found.link("factors")

# %% [markdown]
# In the file, *other* is called `disjoint` in the column `transforms`. For the fine-tuning samples `level` is empty, and the column `samples`
# has the number of images.

# %% [markdown]
# ## Training all weights
#
# A linear layer takes the representation as it is. Training all weights can change it: the network can still learn the
# transformations that its pretraining lacked, from the target's images. How far does it get with few of them?
#
# ```{glue:figure} panels_full-few
# :name: fig-factors-few
# :alt: Four panels, one a factor, with the accuracy after full fine-tuning on few images, for the same and for other transformations.
#
# Accuracy after full fine-tuning on {glue:text}`n_few:,d` images; the last panel varies that number. Marks and bars as in {numref}`fig-factors-lp`.
# Run: {glue:text}`source_full-few`.
# ```
#
# ```{glue:figure} panels_full-many
# :name: fig-factors-many
# :alt: Three panels, one a factor of pretraining, with the accuracy after full fine-tuning on many images.
#
# Accuracy after full fine-tuning on {glue:text}`n_many:,d` images. Marks and bars as in {numref}`fig-factors-lp`.
# Run: {glue:text}`source_full-many`.
# ```
#
# Averaged over the four class relationships, all in the first direction, the gap between same and other transformations is
# {glue:text}`gap_lp` by linear probe, {glue:text}`gap_full-few` after fine-tuning on few images and {glue:text}`gap_full-many` after
# fine-tuning on many. In the paper it is {glue:text}`paper_gap_lp:.2f`, {glue:text}`paper_gap_full-few:.2f` and
# {glue:text}`paper_gap_full-many:.2f`.
#
# Mind that the probe of the class relationships has {glue:text}`n_probe:,d` images. The last panels of {numref}`fig-factors-lp` and
# {numref}`fig-factors-few` have equal numbers of images, but the former averages both directions and the latter has the first only, so
# they do not match exactly. In the first direction alone, averaged over these numbers of images, the gap by linear probe is larger than
# that after fine-tuning by {glue:text}`narrowing`.
#
# The numbers behind the two figures:

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All values: few images", "code_prompt_hide": "Hide the values"}
results.compared_factors(ours["full-few"], theirs["full-few"])

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All values: many images", "code_prompt_hide": "Hide the values"}
results.compared_factors(ours["full-many"], theirs["full-many"])

# %% [markdown]
# ## One number for each factor
#
# The [chapter before](03_invariances_or_classes) defined the *gap* and the two *ranges* for the class relationship. They are the same for every
# factor: the gap says what the target's transformations are worth against others, averaged over the factor's levels; a range says what the best
# level of the factor is worth against the worst. The paper leaves the fine-tuning samples out of this: they are no property of the pretrained model.
#
# ```{glue:figure} summary
# :name: fig-factors-summary
# :alt: Three panels, one a kind of transfer. In each, the gap between transformations and the two ranges as bars, factor by factor, with the paper's values as hollow marks.
#
# Gap and ranges for the factors of pretraining and the three kinds of transfer, all in the first direction. Bars are means over seeds, lines
# 95 % intervals, small dots seeds, hollow marks the paper. Run: {glue:text}`source_first`.
# ```
#
# In numbers, this run ± half the width of its 95 % interval, and the paper's in brackets:

# %% tags=["remove-input"]
results.compared_bars(first, paper)

# %% [markdown]
# ## Was the learning rate to blame?
#
# Fine-tuning has a learning rate, here {glue:text}`n_rate_used:g`. Perhaps another one would close the gap: a high rate lets the network leave behind
# what it learned in pretraining. The paper fine-tunes with rates from $10^{-1}$ to $10^{-5}$ as a check. We repeat it, on few images and with
# models that were pretrained on other classes than the target's.

# %%
rates_found = evidence.of("learning_rates", sizes, device, show)
rates = results.rate_rows(rates_found.table)

# %% tags=["remove-cell"]
best = results.best_rates(rates)
glue("rate_source", rates_found.caption, display=False)
glue("rate_seconds", rates_found.record.seconds, display=False)
glue("best_same", float(best["same"]), display=False)
glue("best_disjoint", float(best["disjoint"]), display=False)
best_gap = results.gap_at_best_rates(rates)
wide = rates.pivot(index="seed", columns=["level", "transforms"], values="value")[f"{used['tuning_learning_rate']:g}"]
used_gap = wide["same"] - wide["disjoint"]
glue("best_gap", results.in_words(best_gap), display=False)
glue("used_gap", results.in_words(used_gap), display=False)
glue("rate_effect", results.in_words(used_gap - best_gap), display=False)
_, least, most = results.mean_interval(used_gap - best_gap)
blame = (
    "yes, in part"
    if least > 0
    else "no, the best rates even widen the gap"
    if most < 0
    else "not that we could tell from chance"
)
glue("blame", blame, display=False)
ranked = rates.groupby(["transforms", "level"])["value"].mean().sort_values(ascending=False)
for kind in ("same", "disjoint"):
    glue(f"second_{kind}", float(ranked[kind].iloc[0] - ranked[kind].iloc[1]), display=False)
glue("rates", figures.learning_rates(rates_found.table))

# %% [markdown]
# ```{glue:figure} rates
# :name: fig-factors-rates
# :alt: Accuracy over five learning rates from 0.00001 to 0.1, one line for the same and one for other transformations.
#
# Accuracy on the target after full fine-tuning on few images, by learning rate. Small marks are seeds, bars 95 % intervals.
# Run: {glue:text}`rate_source`.
# ```
#
# The best of the five rates is {glue:text}`best_same:g` for models pretrained with the same transformations and
# {glue:text}`best_disjoint:g` for those with others; the second best rates do less well by {glue:text}`second_same:.3f` and
# {glue:text}`second_disjoint:.3f`. These rates are chosen by the same test images that the accuracies are measured on, which flatters both
# kinds a little.
#
# So was the learning rate to blame? At the rate that this chapter uses the gap is {glue:text}`used_gap`. If each kind gets its own best rate, it
# is {glue:text}`best_gap`. The former is larger, within each seed, by {glue:text}`rate_effect`. So the answer is: {glue:text}`blame`.

# %% tags=["remove-input"]
results.compared_rates(rates)

# %% tags=["remove-input"]
rates_found.link("learning_rates")

# %% [markdown]
# ## What agrees with the paper
#
# The paper's claims are split into statements, each with a rule that was fixed before any run: a number and the threshold that it has to
# pass. A statement is *supported* if the whole 95 % interval of this run lies on the right side of the threshold, *not supported* if it
# lies on the wrong one, and *undecided* otherwise. The [claims ledger](10_claims) has the reasons for the thresholds.

# %% tags=["remove-input"]
verdicts = claims.ledger({"factors": table})
claims.show(verdicts[verdicts["experiment"] == "factors"])

# %% [markdown]
# Statements about fine-tuning, also those that compare it with the probe at the same number of images, use the first direction alone; all
# others use both.
#
# One needs care: that other transformations do not suffice even with the most images. With {glue:text}`n_most:,d` of them, models
# pretrained with the same transformations {glue:text}`reached`: {glue:text}`accuracy_most_same`. A verdict in its favour then
# {glue:text}`support`.
#
# Where this run and the paper differ, look for the reasons here first:
#
# - **Size.** Outside the `paper` profile, small networks of the same kinds stand for the paper's five; `pictures = "embedded"` puts drawn
#   symbols in the place of its photographs of objects. The probe learns from {glue:text}`n_probe:,d` images here and from
#   {glue:text}`paper_probe:,d` in the paper, and *many* images for fine-tuning are {glue:text}`n_many:,d` here and
#   {glue:text}`paper_many:,d` there. Numbers of pretraining images in the paper that have no counterpart here:
#   {glue:text}`without_counterpart`. A small network that is trained for a short time may learn less that could carry over to new classes,
#   and less invariance.
# - **Length of training.** The paper trains for {glue:text}`paper_epochs:d` epochs on however many images there are, so more images also
#   mean more steps. In the `quick` profile a model with few images sees them more often, until it has seen {glue:text}`least_images:,d` in
#   all. That keeps its training from shrinking along with its images.
# - **Choosing the best epoch.** Each fine-tuned model is taken from its best epoch on {glue:text}`n_validation:,d` validation images. With few of
#   them that choice is noisy.
# - **Seeds.** Each seed has its own three transformations, and some are harder to do without than others. The intervals show how much
#   that matters.
#
# **A limitation.** A range depends on which levels one puts into the experiment: the range over pretraining samples would be smaller without the
# smallest number, and larger with one below it. The gap depends on the transformations, which are drawn. Also, a range is the
# difference of a largest and a smallest mean, so noise makes it larger on average, while it moves the gap either way. Where a range comes
# out larger than the gap and its interval is wide, more seeds are needed before that means much.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-factors-few
# You can label only 50 images of your task, and train all weights on them. Do the transformations of pretraining matter more, or less,
# than in {numref}`fig-factors-few`?
# ```
#
# ```{solution} ex-factors-few
# :class: dropdown
# Set `few = 50` in the parameters cell and run the chapter again. The pretrained models come from the cache, only the fine-tuning is new.
# Compare the gaps of the middle panel of {numref}`fig-factors-summary` before and after. Two things pull in different directions: fewer images
# teach less of the transformations that are missing, and from fewer images even a model with the same transformations learns less
# about the classes. The last panel of {numref}`fig-factors-few` varies the number of images too, for models that know the target's classes.
# ```
#
# ```{exercise}
# :label: ex-factors-model
# Convolutions cope with shifted objects by construction; a transformer has to learn even that. Does the order of the bars in
# {numref}`fig-factors-summary` depend on the network?
# ```
#
# ```{solution} ex-factors-model
# :class: dropdown
# Set `model = "small_vit"`: the transformer then takes every place, and the panel of architectures, with one level left, disappears. A
# transformer often needs more images than a convolutional network to get as far, so lower accuracies and a larger range over the
# pretraining samples would be no surprise. Is the gap still as large as the ranges? The table under the figure has the numbers.
# ```
#
# **Defined in:** {py:mod}`invariance.experiments.factors` (the experiment and the check of learning rates), {py:mod}`invariance.training`
# ({py:obj}`~invariance.training.linear_probe`, {py:obj}`~invariance.training.finetune`), {py:mod}`invariance.results`
# ({py:obj}`~invariance.results.by_factor`, {py:obj}`~invariance.results.summary_by_seed`, {py:obj}`~invariance.results.gap_at_best_rates`,
# and the paper's values), {py:mod}`invariance.claims` (the rules).
