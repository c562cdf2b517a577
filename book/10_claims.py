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
# We read seven claims in the paper {cite}`speicher2024invariance`. A claim is a sentence, and sentences are easily agreed with. So this
# book splits each claim into statements about one number. The rule for each statement is fixed in the program, from the wording of the
# claim and not from our results. This page applies the rules to the results of chapters 3 to 8. No
# verdict on it is typed in.

# %% tags=["parameters"]
import os

profile = os.environ.get("BOOK_PROFILE", "quick")  # smoke, quick or paper
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many seeds; 0 means as many as the profile says
show = "auto"  # own, published, or auto: published at the paper's size, if any
show_claim = 1  # the claim whose rules are shown in full, 1 to 7

# %% tags=["remove-cell"]
from myst_nb import glue

from invariance import claims, evidence, figures, tables
from invariance.errors import check_known
from invariance.experiments import profiles

figures.use_book_style()
sizes = profiles.chosen(profile, seeds)
check_known("claim", str(show_claim), dict.fromkeys(str(statement.claim) for statement in claims.STATEMENTS))

# %% [markdown]
# ## The rule
#
# A statement has four parts: a *quantity* that an experiment gives for each seed, a *direction*, a *threshold*, and the reason for
# that threshold. From the values of the seeds comes a mean and its 95 % interval (Student's $t$; for
# correlations through Fisher's $z$). Then there are three verdicts:
#
# | | verdict | when |
# |---|---|---|
# | ✓ | supported | the whole interval is on the right side of the threshold |
# | ✗ | not supported | the whole interval is on the wrong side |
# | ? | undecided | the interval includes the threshold |
#
# With one seed there is no interval, so every statement is undecided. What was not run is marked as not run. The paper's own value goes
# through the same rule, as far as it can without an interval: where it misses the rule, the table says so.
#
# *First direction* in a rule says that the statement uses one of the two targets of each seed, the one that the paper has too. Full
# fine-tuning runs only there. All other statements about gaps are means over both directions
# (see the [deviation log](11_deviations)).
#
# An undecided statement is not half of a supported one. It says that these seeds cannot tell. Intervals over three seeds are
# wide, since Student's $t$ is 4.3 there; with six seeds it is 2.6, with ten 2.3. The table below says how many seeds each statement
# has: at `quick`, those about linear probes of the class relationship, about objects on natural images and about the mismatch
# have twice as many as the rest.
#
# ## The evidence
#
# The ledger trains nothing of its own. It reads the tables of the other chapters, which takes seconds once they have run, and
# computes only what is missing in the cache. *Worker seconds* are what these tables took when they were computed, if one process
# had done all of it; experiments share some of them.

# %%
names = dict.fromkeys(statement.experiment for statement in claims.STATEMENTS)
found = {name: evidence.of(name, sizes, device, show) for name in names}
ledger = claims.ledger({name: one.table for name, one in found.items()})

# %% tags=["remove-cell"]
count = ledger["verdict"].value_counts()
undecided = int(ledger["verdict"].str.startswith("undecided").sum())
glue("n_statements", len(ledger), display=False)
glue("n_supported", int(count.get(claims.SUPPORTED, 0)), display=False)
glue("n_not_supported", int(count.get(claims.NOT_SUPPORTED, 0)), display=False)
glue("n_undecided", undecided, display=False)
glue("n_not_run", int(count.get(claims.NOT_RUN, 0)), display=False)
glue("paper_misses", int((~ledger["paper_holds"]).sum()), display=False)
glue("shown_claim", int(show_claim), display=False)
glue("source", found["factors"].caption, display=False)
glue("also_missed", claims.also_missed(found["factors"].table), display=False)
glue("overview", figures.claims_overview(ledger))

# %% tags=["remove-input"]
tables.show(
    [
        {"experiment": name, "evidence": one.caption, "worker seconds": f"{one.record.seconds:,.0f}"}
        for name, one in found.items()
    ]
)

# %% [markdown]
# ## The verdicts
#
# ```{glue:figure} overview
# :name: fig-claims
# :alt: One row for each statement: an interval beside the line of its threshold, the paper's value as a hollow mark, and the verdict as a sign.
#
# All {glue:text}`n_statements:d` statements. Right of the line supports the statement; lines are 95 % intervals over seeds, hollow marks the
# paper. Each row has the unit of its own statement: accuracy, sensitivity or correlation. Intervals are cut off at the sides, and what lies
# beyond is an arrow. `factors`: {glue:text}`source`; the other experiments are listed above.
# ```
#
# Of {glue:text}`n_statements:d` statements {glue:text}`n_supported:d` are supported here, {glue:text}`n_not_supported:d` are not
# supported, {glue:text}`n_undecided:d` are undecided and {glue:text}`n_not_run:d` were not run. The paper's own values miss the rule of
# {glue:text}`paper_misses:d`.

# %% tags=["remove-input"]
claims.show(ledger)

# %% tags=["remove-input"]
evidence.link(ledger, "claims")

# %% [markdown]
# **How to read a ✓.** The number passed its threshold, with the networks and images of this run. {glue:text}`also_missed`
#
# **How to read a ✗.** It stays. Three reasons for a ✗ are likely: the claim is narrower than it sounds; this run is too small for it
# (`quick` trains small networks for a few epochs); or its pictures are easier or harder than photographs. The chapter of each
# experiment looks into that, and a run with `profile = "paper"` rules out the second. What we do not do is move a threshold afterwards.
#
# ## The rules in full
#
# Here are the thresholds for claim {glue:text}`shown_claim:d`, with their reasons. `show_claim` in the parameters chooses another.

# %% tags=["remove-input"]
chosen = [statement for statement in claims.STATEMENTS if statement.claim == int(show_claim)]
tables.show(
    [{"statement": s.text, "rule": s.rule, "why this threshold": s.reason, "experiment": s.experiment} for s in chosen]
)

# %% [markdown]
# **A limitation.** About one in twenty 95 % intervals misses the true value by chance, and there are {glue:text}`n_statements:d` of them
# here. And statements that share an experiment are not independent: if its seeds were lucky, they were lucky together.
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
# Those whose mean is far from the threshold compared with their spread. Set `seeds = 6`. That makes six seeds, and twelve where `quick`
# has twice as many; the seeds that you have come from the cache. Where the spread stays the same, an interval shrinks to less than half
# from three to six seeds, and to about 0.6 of its width from six to twelve. A statement whose true value lies on its threshold stays
# undecided with nearly any number of seeds.
# ```
#
# ```{exercise}
# :label: ex-claims-published
# What does the ledger say about published results? Set `show = "published"`.
# ```
#
# ```{solution} ex-claims-published
# :class: dropdown
# The tables then come from `book/results/`, the profile `paper` first, and the list of evidence above says with which profile, seeds and
# hardware each was made. If an experiment was not published, the program says which.
# ```
#
# **Defined in:** {py:mod}`invariance.claims` ({py:obj}`~invariance.claims.STATEMENTS`, {py:obj}`~invariance.claims.ledger`,
# {py:obj}`~invariance.claims.show`), {py:mod}`invariance.evidence` ({py:obj}`~invariance.evidence.of`), {py:mod}`invariance.figures`
# ({py:obj}`~invariance.figures.claims_overview`).
