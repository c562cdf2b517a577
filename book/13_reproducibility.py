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
# # Reproducibility
#
# Can you get these numbers again, and get them at the paper's size? This page says how to run everything on a laptop, a GPU or a cluster,
# what it costs, and how far results repeat. What can be measured in seconds is measured here, while the page is made. Once the
# experiments have run, that takes about a minute on two cores.

# %% tags=["parameters"]
import os

profile = os.environ.get("BOOK_PROFILE", "quick")  # smoke, quick or paper
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many seeds; 0 means as many as the profile says
show = "auto"  # own, published, or auto: published at the paper's size, if any
seed = 0  # of the small trainings that are compared below
gpu_rate = 40_000  # images a second: training ResNet-18 on a GPU of yours

# %% tags=["remove-cell"]
from myst_nb import glue

from invariance import evidence, figures, reproducing, tables
from invariance.experiments import EXPERIMENTS, profiles
from invariance.results.comparisons import number
from invariance.results.published import device_name
from invariance.training import pick_device

figures.use_book_style()
sizes = profiles.chosen(profile, seeds)
place = pick_device(device)

# %% [markdown]
# ## Running it
#
# ### On this machine
#
# `make book` runs every experiment at `quick` and renders the book. A single experiment runs from the command line, which also
# writes its table and where it comes from:
#
# ```bash
# source .venv/bin/activate
# invariance run mismatch    # at quick, on what is there
# # The paper's protocol, on one GPU; one seed instead of ten; the paper's pictures.
# invariance run mismatch --profile paper --device cuda
# invariance run mismatch --profile paper --seeds 1
# invariance run mismatch --profile paper --pictures paper
# ```
#
# ### On several GPUs
#
# An experiment consists of *units*; each is a pretraining, a probe, a fine-tuning or a measurement. On a cluster, units of one kind that do
# not need each other become one job array, through [exca](https://facebookresearch.github.io/exca/). Probes, say, wait for the array of
# pretrainings.
#
# ```bash
# invariance run factors --profile paper --device cuda --cluster slurm \
#     --cluster-option slurm_partition=gpu --cluster-option gpus_per_node=1
# ```
#
# All workers need the same cache folder: set `INVARIANCE_CACHE` to one that they share. `--cluster local` does the same with processes of
# this machine.
#
# ### When a run was cut off
#
# Type the same command again. A finished unit is read from the cache, an unfinished one starts anew, and a damaged entry is noticed and computed
# again. A unit that fails stops only those that need its result; its report says why.
#
# ```bash
# # Units done, missing and failed; seconds spent, and an estimate for the rest.
# invariance status --profile paper
# invariance status mismatch --profile paper
# # Remove results of older versions, and what killed runs left behind.
# invariance clean
# ```
#
# ## Is it the same every time?
#
# ### The same seed twice
#
# Train the small network for some seconds, twice from scratch with the same seed and once with another, and compare all weights.

# %%
first, again = (reproducing.fitted(seed, device) for _ in range(2))
other = reproducing.fitted(seed + 1, device)
same = reproducing.largest_difference(first, again)
different = reproducing.largest_difference(first, other)

# %% tags=["remove-cell"]
glue("device", device_name(device), display=False)
glue("same", same, display=False)
glue("different", different, display=False)

# %% [markdown]
# On {glue:text}`device` the largest difference between the two trainings with one seed is {glue:text}`same:.2g`: 0 means that the
# weights are identical, bit by bit. With another seed it is {glue:text}`different:.2g`. Nothing is seeded globally: shuffling, images and
# initial weights are functions of the seed and of an index.
#
# ### Another device
#
# A CPU and a GPU add in different orders, so they agree to rounding, not bit by bit.

# %% tags=["remove-input"]
if place.type == "cpu":
    rows = [{"comparison": "CPU against GPU", "largest difference": "not measured: this page was made without a GPU"}]
else:
    found = reproducing.between("cpu", device)
    rows = [
        {"comparison": "images, values in [0, 1]", "largest difference": f"{found['images']:.1e}"},
        {
            "comparison": "representation, as a share of its largest value",
            "largest difference": f"{found['representation']:.1e}",
        },
    ]
tables.show(rows)

# %% [markdown]
# After a whole training such roundings have grown: two devices give two networks, which may differ as much as two trainings from other
# initial weights. So compare results between devices by their intervals.
#
# ### Other seeds
#
# A seed chooses classes, transformations, images and initial weights. How much does a single value depend on it? A
# *configuration* is everything that a row of a table says except its seed. The *deviation* is the standard deviation between the seeds of a
# configuration, with the variances averaged over all configurations of the experiment. Its unit is that of the measure, so compare rows
# of one measure only.

# %%
runs = {name: evidence.of(name, sizes, device, show) for name in EXPERIMENTS}
tables_of = {name: run.table for name, run in runs.items()}
spread = reproducing.seed_spread(tables_of)

# %% tags=["remove-input"]
tables.show(
    [
        {**row, "configurations": f"{row['configurations']:,}", "deviation": number(row["deviation"])}
        for row in spread.to_dict("records")
    ]
)

# %% tags=["remove-input"]
evidence.link(spread, "deviations")

# %% [markdown]
# A deviation of 0.1 with three seeds means a 95 % interval of ± 0.25 for the mean; with ten seeds, ± 0.07. Much of
# it is common to the configurations of a seed, such as a hard target. So this book forms differences between configurations within a
# seed first, where it cancels.
#
# ## What it costs
#
# The seconds are measured: *worker seconds* are those of all units of the shown tables, as one process would need them one after
# another. (At `quick`, the experiments on factors, relevance and the mismatch look dearer a seed than they are: a part of each
# has twice as many seeds as the rest, and the seconds are divided by the number of seeds that everything has.)
#
# The last three columns are for one seed of the paper's protocol, with all architectures of an experiment. The chapters on invariance
# transfer and on the mismatch give the hours of ResNet-18 alone. The hours are an **estimate**. Every unit knows how many images it sends through which network; that
# work is divided by a rate. One is that at which ResNet-18 runs here, {glue:text}`rate:,.0f` billion operations a second on
# {glue:text}`device`. The other is that of a GPU which trains ResNet-18 on {glue:text}`gpu_rate:,d` images a second; the default stands
# for a GPU of the H200 class (assumed, not measured).

# %% tags=["remove-cell"]
rates = {"here": reproducing.measured_rate(device), "GPU": reproducing.training_rate(gpu_rate)}
glue("rate", rates["here"], display=False)
glue("gpu_rate", int(gpu_rate), display=False)
glue("paper_seeds", profiles.profile("paper").seeds, display=False)

# %% tags=["remove-input"]
tables.show(reproducing.costs(runs, profiles.profile("paper", seeds=1), rates))

# %% [markdown]
# The paper has {glue:text}`paper_seeds:d` seeds. Set `gpu_rate` to what a GPU of yours reaches; `make bench` on it says that.
# Experiments share units (`class_relationship` is a part of `factors`), so all together costs less than the sum of the rows.
#
# ## Published results
#
# `make publish` writes the tables behind the chapters into `book/results/`, as text files beside a record of their provenance: code and package versions,
# hardware, profile, seeds, pictures, seconds. With `show = "auto"` a chapter that runs `quick` unchanged shows a table
# that was published at the paper's scale, where there is one. Whoever changes a size sees their own run. Every caption says what is shown.

# %% tags=["remove-input"]
reproducing.show_published()

# %% [markdown]
# Are they still true? The tests pick one unit of a published table at random, compute it again and compare. You can do the same, with another
# number for another unit:
#
# ```python
# # Published values beside those computed now.
# evidence.spot_check("quick", "mismatch", choice=7)
# ```
#
# **A limitation.** Versions matter. The same code with another version of PyTorch may round differently, and then a training ends elsewhere.
# `requirements.txt` names the versions that the book was made with, and each published table those it was computed with.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-repro-seeds
# How does the deviation between seeds change when there are more of them?
# ```
#
# ```{solution} ex-repro-seeds
# :class: dropdown
# Set `seeds = 6`. Every experiment then runs with six seeds, and with twelve where `quick` has twice as many. That takes about as many worker
# seconds again as the table of costs shows in all. The deviation should stay about the same, for it is a property of the experiment; it only becomes better
# known. What shrinks is the interval of the mean; the figures of the other chapters show it when they run with as many.
# ```
#
# ```{exercise}
# :label: ex-repro-cost
# Which experiment would you leave out first if you had one GPU for a night?
# ```
#
# ```{solution} ex-repro-cost
# :class: dropdown
# Set `gpu_rate` to what your GPU does and add up the last column. If the sum is above eight hours, leave out the most expensive experiment
# whose chapter you need least. Fewer models help too: `invariance_transfer` and `mismatch` run four architectures each, and the three
# experiments on factors five in one of their factors. From Python, `profiles.chosen("paper", 1, mismatch={"models": 1})` leaves all but
# the first out of `mismatch`.
# ```
#
# **Defined in:** {py:mod}`invariance.reproducing` (the measurements), {py:mod}`invariance.evidence` ({py:obj}`~invariance.evidence.of`,
# {py:obj}`~invariance.evidence.spot_check`, {py:obj}`~invariance.evidence.publish`), {py:mod}`invariance.experiments`
# ({py:obj}`~invariance.experiments.EXPERIMENTS`), {py:mod}`invariance.experiments.execute` (how units run).
