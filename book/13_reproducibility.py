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
# Can you get these numbers again, and get them at the paper's size? This page says how to run everything on a laptop, a GPU or a cluster, what it costs,
# and how far results repeat.
#
# **In short.** Trained twice with one seed on {glue:text}`device`, a network has weights that differ by at most {glue:text}`same`; with another seed
# they differ by up to {glue:text}`different`. Another kind of processor rounds in another way and so trains another network, which is why results are to be compared by their intervals.

# %% tags=["parameters"]
import os

budget = os.environ.get("BUDGET", "quick")  # smoke, quick, night or paper
protocol = "corrected"  # or published: what the paper's code did
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many, or "paper"; 0 means as the budget says
show = "auto"  # own, published, or auto: published at the paper's size, if any
seed = 0  # of the small trainings that are compared below
gpu_rate = 40_000  # images a second: training ResNet-18 on a GPU of yours

# %% tags=["remove-cell"]
from invariance import chapter, studies
from invariance.ledger import reproducibility
from invariance.studies.sizes import BUDGETS
from invariance.datasets.devices import hardware, pick_device

# %% [markdown]
# ## Running it
#
# ### On this machine
#
# `make book` runs every study at `quick` and renders the book. A single study runs from the command line:
#
# ```bash
# source .venv/bin/activate
# invariance run mismatch    # at quick, on what is there
# # The paper's protocol, on one GPU; one seed instead of ten; the paper's pictures.
# invariance run mismatch --budget paper --device cuda
# invariance run mismatch --budget paper --seeds 1
# invariance run mismatch --budget paper --pictures paper
# ```
#
# There are four budgets. A budget changes sizes, seeds and models, and never what is done with them:

# %% tags=["remove-input"]
BUDGETS

# %% [markdown]
# ### On several GPUs
#
# A study consists of *units*; each is a pretraining, some probes, a fine-tuning or a measurement. A pretraining and all units that need
# it are one task, and on a cluster a study's tasks become a job array, through [submitit](https://github.com/facebookincubator/submitit).
#
# ```bash
# invariance run other_factors --budget paper --device cuda --cluster slurm \
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
# invariance status --budget paper
# invariance status mismatch --budget paper
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
first, again = (reproducibility.fitted(seed, device) for _ in range(2))
other = reproducibility.fitted(seed + 1, device)
same = reproducibility.largest_difference(first, again)
different = reproducibility.largest_difference(first, other)

# %% tags=["remove-cell"]
place = hardware(pick_device(device))
chapter.glue({"device": place, "same": f"{same:.2g}", "different": f"{different:.2g}", "rate": f"{gpu_rate:,}"})

# %% [markdown]
# On {glue:text}`device` the largest difference between the two trainings with one seed is {glue:text}`same`: 0 means that the
# weights are identical, bit by bit. With another seed it is {glue:text}`different`. Nothing is seeded globally: shuffling, images and
# initial weights are functions of the seed and of an index.
#
# ### Another device
#
# A CPU and a GPU add in different orders, so they agree to rounding, not bit by bit. These are the largest differences between the CPU and
# the device of this page, in images and in the representation of an untrained network, as shares of the largest value. Both are 0
# where that device is the CPU itself.

# %%
reproducibility.between("cpu", device)

# %% [markdown]
# After a whole training such roundings have grown: two devices give two networks, which may differ as much as two trainings from other
# initial weights. So compare results between devices by their intervals.
#
# ### Other seeds
#
# A seed chooses classes, transformations, images and initial weights. How much does a single value depend on it? A
# *configuration* is everything that a row of a table says except its seed. The *deviation* is the standard deviation between the seeds of a
# configuration, with the variances averaged over all configurations of the study. Its unit is that of the measure, so compare rows
# of one measure only.

# %%
every = studies.all_studies()
how = {"seeds": seeds, "protocol": protocol}
found = [one.find(one.at(budget, **how), device, show) for one in every]
reproducibility.spread(found)

# %% [markdown]
# A deviation of 0.1 with three seeds means a 95 % interval of ± 0.25 for the mean; with ten seeds, ± 0.07. Much of
# it is common to the configurations of a seed, such as a hard target. So this book forms differences between configurations within a
# seed first, where it cancels.
#
# ## Where these results come from
#
# Every unit keeps the facts of its own run: hardware, instructions of the processor, arithmetic, versions, the commit of the code (with +
# where files had been changed since), and seconds. *Worker seconds* are what the units would take in one process, one after another.

# %% tags=["remove-input"]
reproducibility.origins(found)

# %% [markdown]
# `make publish` adds the units behind the chapters to the record in `book/results/`: one file of text for each budget, a line a unit. With
# `show = "auto"` a chapter that runs `quick` unchanged shows the largest budget that was published, `paper` or `night`, and its own run as
# crosses. Whoever changes a size sees their own run. Every caption says what is shown.
#
# Are they still true? You can compute one unit again, with what it needs, and compare; another number takes another unit:
#
# ```python
# reproducibility.computed_again(found[0], choice=7)
# ```
#
# ## What it costs
#
# The seconds are measured. The last two columns are for one seed of the paper's protocol with all its models, on one GPU. The hours are an
# **estimate**, and rough. Every unit knows how many images it sends through which network, and a GPU is taken to train ResNet-18 on
# {glue:text}`rate` images a second (assumed, not measured). Larger networks get through as many operations a second, smaller ones through as
# many images: they wait for the program, not for arithmetic. The linear heads of a probe cost extra: each of their steps is taken to last
# 0.3 milliseconds, and there are tens of thousands in a probe.

# %% tags=["remove-input"]
reproducibility.costs(found, gpu_rate)

# %% [markdown]
# The paper has ten seeds. Set `gpu_rate` to what a GPU of yours reaches; `make bench` on it says that.
# Studies share units, so all together costs less than the sum of the rows.
#
# **A limitation.** Versions matter. The same code with another version of PyTorch may round differently, and then a training ends elsewhere.
# So does another processor: one with other instructions adds in another order. `requirements.txt` names the versions that the book was
# made with, and the table above those of each result.
#
# ## Appendix: how the sizes were chosen
#
# The sizes of `night` were chosen from the curves below, before its plan was fixed. Each is a mean over two or three seeds that no other study
# uses. On new classes the gain from 100,000 to 200,000 images is small; where a model has to learn eight transformations at once, more images
# still help, so the study of the mismatch has 200,000. The sensitivity to what was trained with is the same from 10,000 images on. An object
# in the corner is hard to read from a network that was trained to name the picture behind it, however long: from that network a probe names
# 0.3 of them, and 0.7 from one that was trained on objects alone.

# %% tags=["remove-cell"]
curves = studies.get("learning_curves").largest(("night", "smoke"))
chapter.show(curves, "curves")

# %% [markdown]
# ```{glue:figure} curves
# :name: fig-curves
# :alt: Six panels of accuracy or sensitivity over the number of images that a training sees.
#
# What more images buy. Every mark is a network trained from scratch on so many images; more than 50,000 are seen in several epochs, on
# natural images more than 22,500.
# ```
#
# ## What to take away
#
# - The same seed on the same machine gives the same numbers. Another machine gives another sample of the same study.
# - A mean belongs with its interval and its number of seeds.
# - Every result names its machine, its versions and the commit of its code, so that a difference can be traced.
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
# Set `seeds` to twice as many as now. That takes about as many worker seconds again as the table of costs shows in all. The deviation should
# stay about the same, for it is a property of the study; it only becomes better known. What shrinks is the interval of the mean; the
# figures of the other chapters show it when they run with as many.
# ```
#
# ```{exercise}
# :label: ex-repro-cost
# Which study would you leave out first if you had one GPU for a night?
# ```
#
# ```{solution} ex-repro-cost
# :class: dropdown
# Set `gpu_rate` to what your GPU does and add up the last column. If the sum is above eight hours, leave out the most expensive study
# whose chapter you need least. Fewer models help too: the chapter on the mismatch runs four architectures at the budget `paper`, and
# `architectures = 1` in its parameters leaves all but the first out.
# ```
#
# **Defined in:** {py:mod}`invariance.ledger.reproducibility` (the measurements), {py:mod}`invariance.units` (how units run and where they
# are kept), {py:mod}`invariance.units.record` (what is published), {py:mod}`invariance.studies` (what a study is).
