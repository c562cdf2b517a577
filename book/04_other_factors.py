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
# The [chapter before](03_invariances_or_classes) compared the transformations of a task with its classes. But whoever looks for a pretrained
# model has more to choose from: a larger network, more pretraining images, more labelled images of the task, or training all weights on them
# instead of a linear layer. Is any of these worth more than pretraining with the transformations of the task?

# %% tags=["remove-input"]
from invariance import drawings

drawings.experiment("other_factors")

# %% [markdown]
# **In short.** {glue:text}`answer`
#
# :::{admonition} Where these numbers come from: budget {glue:text}`sizes.budget`, {glue:text}`sizes.seeds` seeds
# :class: dropdown
# The results on this page took {glue:text}`seconds` worker seconds, the time that one process alone would need
# ({glue:text}`run`). [Reproducibility](13_reproducibility) estimates what they cost at the paper's size.
#
# In these results {glue:text}`said.both`. Full fine-tuning costs more
# and is done in the first direction only, which is the paper's {cite}`speicher2024invariance`. Wherever a probe is compared with fine-tuning, the
# probe is taken in the first direction too.
# :::

# %% tags=["parameters"]
import os

budget = os.environ.get("BUDGET", "quick")  # smoke, quick, night or paper
protocol = "corrected"  # or published: what the paper's code did
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many, or "paper"; 0 means as the budget says
show = "auto"  # own, published, or auto: published at the paper's size, if any
model = ""  # small, small_vit, resnet18, ... everywhere; empty: the budget's
few = 0  # images for fine-tuning on few; 0 means as the budget says

# %% tags=["remove-cell"]
from invariance import chapter, live
from invariance.ledger import verdicts
from invariance.studies.other_factors import STUDY

sizes = STUDY.at(budget, seeds, model, protocol=protocol, few=few)

# %% [markdown]
# ## The experiment
#
# The target task is that of the chapter before: {glue:text}`n_target` classes of [Transforms-2D](01_transforms_2d) under three
# transformations. Every model is pretrained twice, once with the target's transformations (*matched*) and once with three others
# (*mismatched*). Then one *factor* varies at a time:
#
# | factor | its levels in this run |
# |---|---|
# | class relationship | {glue:text}`levels.class_relationship` |
# | architecture | {glue:text}`levels.architecture` |
# | pretraining samples | {glue:text}`levels.pretraining_samples` images |
# | fine-tuning samples | {glue:text}`levels.finetuning_samples` images of the target |
#
# Whatever does not vary is at its default: {glue:text}`model`, {glue:text}`sizes.samples` pretraining images, classes disjoint from the
# target's. The fine-tuning samples are the exception: there, pretraining has seen the target's own classes. A factor of which a run has
# only one level has no bars below; the networks are compared at the budgets `night` and `paper`.

# %%
found = STUDY.find(sizes, device, show)

# %% tags=["remove-cell"]
chapter.glue(found)

# %% [markdown]
# A pretrained model is transferred to the target in three ways:
#
# - by **linear probe** on {glue:text}`sizes.probe_samples` images: the backbone is frozen, only a new linear layer is trained;
# - by **full fine-tuning on few** images, {glue:text}`sizes.few` of them: starting from a probe's layer, all weights are trained;
# - by **full fine-tuning on many** images, {glue:text}`sizes.many` of them.
#
# ## Guess first
#
# Which of these choices is worth most? Guess, and all accuracies of this run are yours to question: choose a factor and a kind of transfer. The
# distance between the two marks of a level is what the transformations are worth. The distance between the levels is what the factor is worth.

# %%
live.chart("factors", found)

# %% [markdown]
# ## One number for each factor
#
# The [chapter before](03_invariances_or_classes) defined the *gap* and the two *ranges* for the class relationship. They are the same for every
# factor. The gap says what the target's transformations are worth against others, averaged over the factor's levels; a range says what the best
# level of the factor is worth against the worst.

# %% tags=["remove-cell"]
chapter.show(found, "bars")

# %% [markdown]
# ```{glue:figure} bars
# :name: fig-factors-summary
# :alt: For each factor the gap between transformations and the two ranges over the factor as bars, with the paper's values as hollow marks.
#
# Are the transformations worth more than the factor? Gap and ranges by linear probe. Bars are means over seeds, lines 95 % intervals, small dots
# seeds. Hollow marks are the paper's. Crosses, where there are any, are the smaller run that was made along with this page. Run: {glue:text}`run`.
# ```
#
# The table has all three kinds of transfer, and the class relationship with them. Here all numbers are of the first direction, so that the rows can
# be compared; those of the linear probe differ from the figure's for that reason.

# %% tags=["remove-input"]
found.show("summary")

# %% [markdown]
# ## How much is a label worth?
#
# Labelling images of one's own task is a choice too. The paper leaves it out of the comparison above, since it is no property of the pretrained
# model. With {glue:text}`level.finetuning_samples.0` labelled images, a model that was pretrained with the target's transformations reaches
# {glue:text}`accuracy.probe.finetuning_samples.0.matched`, with {glue:text}`level.finetuning_samples.1` it reaches
# {glue:text}`accuracy.probe.finetuning_samples.1.matched`. A model that was pretrained with other transformations reaches
# {glue:text}`accuracy.most.mismatched` with {glue:text}`most.finetuning_samples`. (Brackets hold 95 % intervals over seeds, here and below.)
#
# In the paper, matched transformations give {glue:text}`accuracy.probe.finetuning_samples.0.matched.paper` with
# {glue:text}`paper.level.finetuning_samples.0` images and {glue:text}`accuracy.probe.finetuning_samples.1.matched.paper` with
# {glue:text}`paper.level.finetuning_samples.1`; mismatched ones give {glue:text}`accuracy.most.mismatched.paper` with
# {glue:text}`paper.most.finetuning_samples`.

# %% tags=["remove-input"]
found.show("probe_levels")

# %% tags=["remove-input"]
chapter.link(found)

# %% [markdown]
# The table gives this run's means over seeds, the paper's in brackets, and this run's gap. Numbers of images stand beside the paper's in the
# same place. In the file, pretraining is matched where `pretrained_on` and `probed_on` name the same set of transformations, and `transfer`
# is `probe`, `few`, `many`, or `tuned`: full fine-tuning on as many images as the level says.
#
# ## Training all weights
#
# A linear layer takes the representation as it is. Training all weights can change it: the network can still learn the
# transformations that its pretraining lacked, from the target's images. How far does it get with few of them?
#
# Averaged over the four class relationships, the gap between matched and mismatched transformations is:
#
# | | this run | the paper |
# |---|---|---|
# | by linear probe | {glue:text}`gap.probe-first.class_relationship` | {glue:text}`gap.probe-first.class_relationship.paper` |
# | after fine-tuning on few images | {glue:text}`gap.few.class_relationship` | {glue:text}`gap.few.class_relationship.paper` |
# | after fine-tuning on many | {glue:text}`gap.many.class_relationship` | {glue:text}`gap.many.class_relationship.paper` |
#
# That probe has {glue:text}`sizes.probe_samples` images, more than the fine-tuning. The fair comparison has equally many: in the experiment on
# labelled images, the same models are probed and fine-tuned with each number. Averaged over these numbers, fine-tuning narrows the gap by
# {glue:text}`narrowing.tuning` (in the paper: {glue:text}`narrowing.tuning.paper`).

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All accuracies after fine-tuning", "code_prompt_hide": "Hide the accuracies"}
found.show("tuning_levels")

# %% [markdown]
# ## Was the learning rate to blame?
#
# Fine-tuning has a learning rate, here {glue:text}`sizes.tuning_learning_rate`. Perhaps another one would close the gap: a high rate lets the
# network leave behind what it learned in pretraining. The paper fine-tunes with rates from $10^{-1}$ to $10^{-5}$ as a check. This run repeats
# it with {glue:text}`sizes.rates`, on few images, with models that were pretrained on other classes than the target's.
#
# Each kind of pretraining gets the rate that is best on its validation images, averaged over seeds: {glue:text}`best_rate.matched` for
# matched transformations and {glue:text}`best_rate.mismatched` for mismatched ones. With these the gap on
# {glue:text}`said.counted` is {glue:text}`gap.best-rates`; at the rate of this chapter it is {glue:text}`gap.few.class_relationship.1`. Choosing the rates narrows it, within each
# seed, by {glue:text}`narrowing.best-rates`. Was the learning rate to blame? {glue:text}`blame` The chart above has every rate, under the
# factor *learning rate*.
#
# ## What agrees with the paper
#
# The [claims ledger](10_claims) splits the paper's claims into statements, and says what the verdicts mean. These are its statements about
# the factors of this chapter. {glue:text}`decided`

# %% tags=["remove-input"]
verdicts.show(verdicts.rows([found]))

# %% [markdown]
# Statements about fine-tuning, also those that compare it with the probe at the same number of images, use the first direction alone; with
# dealt seeds all others use both.
#
# One row needs care, the last: mismatched transformations do not suffice even with the most images, which means that they stay below 0.95.
# {glue:text}`care`
#
# Where this run and the paper differ, look for the reasons here first:
#
# - **Size.** Outside the budget `paper`, small networks of the same kinds stand for the paper's five, and drawn symbols for its photographs of
#   objects. The probe learns from {glue:text}`sizes.probe_samples` images here and from {glue:text}`paper.probe_samples` in the paper. The
#   paper's numbers of pretraining images go up to {glue:text}`paper.most.pretraining_samples`, this run's to
#   {glue:text}`most.pretraining_samples`. A small network that is trained for a short time may learn less that carries over to new classes, and
#   less invariance.
# - **Length of training.** The paper trains for {glue:text}`paper.epochs` epochs on however many images there are, so more images also
#   mean more steps. Outside the budget `paper` a model with few images sees them more often, until it has seen {glue:text}`sizes.least_images` in
#   all. That keeps its training from shrinking along with its images.
# - **Choosing the epoch.** Each fine-tuned model is taken from {glue:text}`said.kept`. There are
#   {glue:text}`sizes.tuning_validation_samples` validation images: a best epoch on so few is a noisy choice.
# - **Seeds.** Each seed has its own three transformations, and some are harder to do without than others. The intervals show how much
#   that matters.
#
# **A limitation.** A range depends on which levels one puts into the experiment: the range over pretraining samples would be smaller without
# the smallest number, and larger with one below it. The gap depends on the transformations, which are drawn.
#
# ## What to take away
#
# - {glue:text}`answer`
# - A gap and a range can be compared because both are differences of accuracy on the same target.
# - How large a range is depends on which levels one tries. A comparison with a factor is a comparison with these levels of it.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-factors-few
# You can label only 50 images of your task, and train all weights on them. Do the transformations of pretraining matter more, or less,
# than with {glue:text}`sizes.few`?
# ```
#
# ```{solution} ex-factors-few
# :class: dropdown
# Set `few = 50` in the parameters cell and run the chapter again. The pretrained models come from the cache, only the fine-tuning is new.
# Compare the gaps of the table under {numref}`fig-factors-summary` before and after. Two things pull in different directions: fewer images
# teach less of the transformations that are missing, and from fewer images even a model with matched transformations learns less
# about the classes. The chart above varies the number of images too, for models that know the target's classes.
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
# Set `model = "small_vit"`: the transformer then takes every place, so the architecture has one level left, and no bars. A
# transformer often needs more images than a convolutional network to get as far, so lower accuracies and a larger range over the
# pretraining samples would be no surprise. Is the gap still as large as the ranges? The table under the figure has the numbers.
# ```
#
# **Defined in:** {py:mod}`invariance.studies.other_factors` (the study and the check of learning rates), {py:mod}`invariance.studies.factors`
# (what it shares with the next chapter), {py:mod}`invariance.studies.tasks` (the target tasks), {py:mod}`invariance.training`
# ({py:obj}`~invariance.training.linear_probe`, {py:obj}`~invariance.training.finetune`).
