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
# # The claims ledger
#
# We read seven claims in the paper {cite}`speicher2024invariance`. A claim is a sentence, and sentences are easily agreed with. So this book splits
# each claim into statements about one number, and gives each a rule. Which of them hold?
#
# **In short.** Of {glue:text}`statements` statements {glue:text}`supported` are supported here, {glue:text}`not_supported` are not,
# {glue:text}`undecided` are undecided; {glue:text}`not_testable` cannot be tested at this size, {glue:text}`not_run` were not run, and
# {glue:text}`shown` are not counted. Of those that are supported, {glue:text}`small` show less than a quarter of the paper's effect.

# %% tags=["parameters"]
import os

budget = os.environ.get("BUDGET", "quick")  # smoke, quick, night or paper
protocol = "corrected"  # or published: what the paper's code did
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many, or "paper"; 0 means as the budget says
show = "auto"  # own, published, or auto: published at the paper's size, if any

# %% tags=["remove-cell"]
from myst_nb import glue

from invariance import chapter, studies
from invariance.ledger import verdicts

# %% [markdown]
# ## What a verdict means
#
# Each rule is fixed in the program, from the wording of the claim and not from our results. No verdict is typed in.
#
# A statement has four parts: a *quantity* that a study gives for each seed, a *direction*, a *threshold*, and the reason for
# that threshold. From the values of the seeds come a mean and its 95 % interval (Student's $t$; for shares, ratios and
# correlations on a scale that keeps the interval within what is possible). Then the verdict is one of these:
#
# | | verdict | when |
# |---|---|---|
# | ✓ | supported | the whole interval is on the right side of the threshold |
# | ✓ | supported, but small | the same, with less than a quarter of the paper's effect |
# | ✗ | not supported | the whole interval is on the wrong side |
# | ? | undecided | the interval includes the threshold |
# | – | not testable here | the model that was trained for the task learns too little itself |
# | – | not run | there is no result |
#
# With one seed there is no interval, so every statement is undecided. The paper's own value goes through the same rule, as far as it can
# without an interval: where it misses the rule, the table says so.
#
# *Not testable here*: whether the wrong transformations cost accuracy cannot be seen where the right ones lead to none. So each statement on transfer
# names an accuracy that must reach a floor first.
#
# *Not counted*: a correlation over four points is shown, and left out of the counts, since four points correlate by chance too easily.
#
# An undecided statement is not half of a supported one. It says that these seeds cannot tell. Intervals over few seeds are
# wide, since Student's $t$ is 4.3 for three; for six it is 2.6, for ten 2.3.
#
# Most rules ask for an effect of any size, because the claim names none. A ✓ then says that there is an effect, not that it is as large as
# the paper's. So a column says how much of the paper's effect there is, with both taken over the images of all splits.
#
# *First direction* in a rule says that the statement uses one of the two targets of each seed, the one that the paper has too. Full
# fine-tuning runs only there. All other statements about gaps are means over both directions where
# seeds are dealt, as at `quick`; with the paper's seeds there is only the first
# (see the [deviation log](11_deviations)).
#
# ## What happened before
#
# The thresholds have not been touched since they were first written. For most studies that was before their first run; for the class
# relationship of claim 1, a small run came first. The numbers of seeds were touched. In the
# first version of this book, most statements rested on three seeds. After their first results had been seen, four parts got six: natural
# images of 10 and of 100 classes, objects on natural images, and the mismatch. Pretraining on natural images got twice as many
# images as well. Six verdicts then changed from undecided to supported: three of claim 4, one of claim 5 and two of
# claim 7. None changed in the other direction.
#
# That is not how a 95 % rule works. An interval keeps its promise if the number of seeds is fixed beforehand. Whoever looks, adds seeds to
# what is undecided and looks again gives chance a second try. So those six verdicts were worth less than they looked.
#
# Today the results at `night` and `paper` have a plan: a file with the sizes, the seeds, every statement, its rule, its threshold and its floor.
# It is committed before the first of them is computed, every line of the record names its digest, and the program refuses to run a study
# that differs from its plan. {glue:text}`fixed`
#
# ## The evidence
#
# The ledger trains nothing of its own. It reads what the other chapters have computed, which takes seconds once they have run, and
# computes only what is missing.

# %%
every = studies.all_studies()
how = {"seeds": seeds, "protocol": protocol}
found = [one.find(one.at(budget, **how), device, show) for one in every]
ledger = verdicts.rows(found)

# %% tags=["remove-cell"]
chapter.glue(verdicts.counts(ledger) | {"fixed": verdicts.fixed_before(found)})
glue("beside", verdicts.beside(ledger))

# %% tags=["remove-input"]
verdicts.evidence(found)

# %% [markdown]
# *Worker seconds* are what these results took when they were computed, if one process had done all of it; studies share some of them.
#
# ## The verdicts
#
# ```{glue:figure} beside
# :name: fig-claims
# :alt: A scatter of this run's values over the paper's, each as a distance from its threshold, with marks by verdict and a line where the two are equal.
#
# Is it as large as in the paper? Every statement for which the paper has a value: ours over the paper's, both counted from the threshold so that up
# and right support the statement, and with accuracies taken over the images of all splits, as the paper takes them. On the dashed line both are
# equal; below the dotted one ours is less than a quarter. Near zero the axes are linear, further out logarithmic.
# ```
#
# Of {glue:text}`statements` statements {glue:text}`supported` are supported here ({glue:text}`small` of them with a small effect),
# {glue:text}`not_supported` are not supported, {glue:text}`undecided` are undecided, {glue:text}`not_testable` are not testable here, and
# {glue:text}`not_run` were not run; {glue:text}`shown` are shown and not counted. Rules that the paper's own values miss:
# {glue:text}`paper_misses`; supported here in spite of that: {glue:text}`supported_misses`.

# %% tags=["remove-input"]
verdicts.show(ledger)

# %% [markdown]
# ### Your own run
#
# Where published results are shown, a second run stands beside them: as crosses in the figures of the chapters, and here in words. After
# `make book` it is yours; on the published site it is the one that was made along with the pages. A run *agrees* where its mean is on the same
# side of the threshold.

# %% tags=["remove-input"]
verdicts.agreements(ledger)

# %% [markdown]
# **How to read a ✓.** The number passed its threshold, with the networks and images of this run.
#
# **How to read a ✗.** It stays. Three reasons for a ✗ are likely: the claim is narrower than it sounds; this run is too small for it
# (small budgets train small networks for a few epochs); or its pictures are easier or harder than photographs. The chapter of each
# study looks into that, and a run with `budget = "paper"` rules out the second. What we do not do is move a threshold afterwards.
#
# ## The rules in full
#
# Every rule, and why its threshold is what it is:

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All rules", "code_prompt_hide": "Hide the rules"}
verdicts.reasons(ledger)

# %% [markdown]
# **A limitation.** About one in twenty 95 % intervals misses the true value by chance, and there are up to {glue:text}`statements` of them
# here. With intervals so wide that all of them hold at once, {glue:text}`together` of the {glue:text}`supported` supported statements
# stay supported. And statements that share a study are not independent: if its seeds were lucky, they were lucky together.
#
# ## What to take away
#
# - A ✓ says that there is an effect in this run. The scatter says whether it is as large as the paper's.
# - A ? says that these seeds cannot tell, and a – that this size cannot, or that nothing was run. Neither speaks for or against the paper.
# - Statements that name photographs were tested on drawn landscapes, unless the evidence says otherwise.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-claims-seeds
# Which undecided statements can more seeds decide?
# ```
#
# ```{solution} ex-claims-seeds
# :class: dropdown
# Those whose mean is far from the threshold compared with their spread. Set `seeds` to twice as many as now; those that you have come
# from the cache. Where the spread stays the same, an interval shrinks to less than half from three to six seeds, and to about 0.6 of its
# width from six to twelve. A statement whose true value lies on its threshold stays undecided with nearly any number of seeds. And mind
# what happened before: what you decide that way has had a second try. A run with only new seeds would settle it.
# ```
#
# ```{exercise}
# :label: ex-claims-published
# What does the ledger say about published results? Set `show = "published"`.
# ```
#
# ```{solution} ex-claims-published
# :class: dropdown
# The results then come from `book/results/`, the largest budget first, and the list of evidence above says with which budget, seeds and
# hardware each was made. If a study was not published, the program says which.
# ```
#
# **Defined in:** {py:mod}`invariance.ledger.verdicts` (the ledger), {py:obj}`invariance.studies.statements.Statement` (the rule), and the
# modules of {py:mod}`invariance.studies` (each study's own statements).
