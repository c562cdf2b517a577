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
# # The same on natural images
#
# In Transforms-2D a class is one object, and everything that varies within it is a transformation that we know. Photographs are
# not like that. A class holds thousands of different things, seen from many sides and in any light, and nobody can list
# what a model has to ignore.
#
# Transformations can be added to photographs all the same: turn them, change their colours, blur them. Does it still matter that
# pretraining shows the transformations of the task? And does it still matter as much as the class relationship?
#
# **What it takes.** The results on this page took {glue:text}`seconds:,.0f` worker seconds, the time that one process alone would need
# ({glue:text}`source_cifar10`; {glue:text}`source_cifar100`); on two cores two workers share them. At the paper's size one seed is about
# {glue:text}`paper_hours:.2f` hours on one GPU of the H200 class. That is an estimate: it assumes that such a GPU trains ResNet-18 at
# {glue:text}`gpu_rate:,d` images a second, and reaches as many operations a second on the other networks.

# %% tags=["parameters"]
import os

profile = os.environ.get("BOOK_PROFILE", "quick")  # smoke, quick or paper
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many; 0 means as the profile says (at quick, twice for a part)
show = "auto"  # own, published, or auto: published at the paper's size, if any
pictures = "embedded"  # or paper: CIFAR-10 and CIFAR-100, if they are here
model = ""  # small, small_vit, resnet18, ... everywhere; empty: the profile's
views = 0  # draws that the linear probe sees; 0 means as the profile says
seed = 0  # the seed whose images are shown

# %% tags=["remove-cell"]
from myst_nb import glue

from invariance import claims, evidence, figures, gallery, reproducing, results
from invariance.experiments import factors, profiles

figures.use_book_style()
changed = {"views": views} if views else None
sizes = profiles.chosen(
    profile,
    seeds,
    pictures=pictures,
    models=(model,) * 5 if model else None,
    natural10=changed,
    natural100=changed,
)
ROLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}

# %% [markdown]
# ## The pictures
#
# The paper {cite}`speicher2024invariance` takes CIFAR-10 and CIFAR-100 {cite}`krizhevsky2009cifar`: photographs of 32 x 32 pixels in 10 and in 100
# classes. This book has to run offline, so by default it draws its own natural images: landscapes of ten types, such as
# {glue:text}`some_types`, each in ten variants. Every picture is another view, in another light, with things in the way. The ten types
# stand in for CIFAR-10 under the name `scenes10`, the hundred variants for CIFAR-100 under the name `scenes100`. Both have as many images
# as CIFAR, and the tables call them by the paper's names, `cifar10` and `cifar100`. The examples below are from
# {glue:text}`images_cifar10` and {glue:text}`images_cifar100`; the captions of the results name their own pictures.
#
# To have the real ones, fetch them once (170 MB each) and set `pictures = "paper"` in the parameters cell:
#
# ```bash
# python -c "from invariance import pictures; pictures.download('cifar10')"
# python -c "from invariance import pictures; pictures.download('cifar100')"
# papermill book/05_natural_images.ipynb out.ipynb -p pictures paper
# ```
#
# If you have them already, set the environment variable `CIFAR_DIR` to their folder; torchvision's layout is understood, and each file is
# checked before it is read.

# %% tags=["remove-cell"]
chosen = factors.task(sizes, seed, "cifar10")
rows = {}
for label, transforms in (
    ("as it is", ()),
    ("target, same", chosen.transforms["same"]),
    ("other", chosen.transforms["disjoint"]),
):
    spec = factors.SETTINGS["cifar10"].data(sizes, chosen.classes["same"], transforms)
    rows[label] = gallery.examples(spec, 10, seed)
rows["100 classes"] = gallery.examples(factors.SETTINGS["cifar100"].data(sizes, None, ()), 10, seed)

for role in ROLES:
    setting = factors.SETTINGS[role]
    glue(f"n_target_{role}", setting.target, display=False)
    glue(f"n_subset_{role}", setting.subset, display=False)
    glue(f"images_{role}", setting.source(sizes), display=False)
types = factors.SETTINGS["cifar10"].data(profiles.profile("quick"), None, ()).class_names()
glue("some_types", ", ".join(types[:4]), display=False)
glue("same_names", ", ".join(chosen.transforms["same"]), display=False)
glue("other_names", ", ".join(chosen.transforms["disjoint"]), display=False)
glue("examples", figures.picture_grid(list(rows.values()), list(rows)))

# %% [markdown]
# ```{glue:figure} examples
# :name: fig-natural-examples
# :alt: Four rows of ten images: natural images as they are, the same under the target's three transformations and under three others, and images of the hundred classes.
#
# Ten images of the target's classes as they are, under its transformations ({glue:text}`same_names`), and under three others
# ({glue:text}`other_names`). Last row: ten of the hundred classes.
# ```
#
# There is no object to cut out here, so the transformations act on the whole image. `translate` then moves it by up to 15 % of its side;
# what is uncovered turns black.
#
# ## The experiment
#
# It is the one of the [chapter before](04_other_factors), with three differences.
#
# - **Classes.** Half of the classes are the target's: {glue:text}`n_target_cifar10:d` of 10, {glue:text}`n_target_cifar100:d` of 100. The other
#   half is *disjoint*; *subset* is {glue:text}`n_subset_cifar10:d` and {glue:text}`n_subset_cifar100:d` of the target's, *superset* all.
# - **Samples.** The images are given and cannot be made at will. Pretraining samples are counted per class, fine-tuning samples as a share
#   of a class's {glue:text}`per_class_cifar10:,d` (ten classes) or {glue:text}`per_class_cifar100:,d` (a hundred) training images. Full
#   fine-tuning on few images uses {glue:text}`share_few:g` %, that is {glue:text}`n_few_cifar10:,d` and {glue:text}`n_few_cifar100:,d`
#   images in all; on many it uses {glue:text}`share_many:g` %, that is {glue:text}`n_many_cifar10:,d` and {glue:text}`n_many_cifar100:,d`.
#   In the paper these are 1 % and 10 %. The linear probe learns from {glue:text}`n_probe` images in all, the paper's from all that the
#   target's classes have. Where the share varies, 10 classes have {glue:text}`counts_cifar10` images in all and a hundred
#   {glue:text}`counts_cifar100`.
# - **Draws.** In pretraining and fine-tuning the transformations of an image are drawn anew in every epoch. A linear probe is trained on
#   representations that are computed once; the number of draws that they cover for each image is {glue:text}`n_views:d` here and
#   {glue:text}`paper_views:d` in the profile `paper`; the paper draws anew in each epoch.
#
# As before, every pair of models is probed in both directions and fine-tuned in the first one. At `quick` the probes of the class
# relationship have twice as many seeds as everything else on this page.

# %%
found = {}
for role in ROLES:
    found[role] = evidence.of(f"factors_{role}", sizes, device, show)
paper = results.paper_factors()

# %% tags=["remove-cell"]
tables, firsts, ours, theirs = {role: one.table for role, one in found.items()}, {}, {}, {}
n_probe = {}
for role in ROLES:
    # The paper gives shares, the tables numbers of images.
    spec = factors.SETTINGS[role].data(sizes, factors.task(sizes, seed, role).classes["same"], ())
    levels = found[role].record.sizes[role.replace("cifar", "natural")]["finetuning_levels"]
    shares = {spec.samples(level): level for level in levels}
    table = results.with_shares(tables[role], shares)
    glue(
        f"counts_{role}", ", ".join(f"{count:,} ({100 * share:g} %)" for count, share in shares.items()), display=False
    )
    # The direction and the seeds that all three kinds of transfer share.
    first = firsts[role] = table[(table["target"] == "first") & table["seed"].isin(found[role].record.seeds)]
    for transfer in results.TRANSFER_NAMES:
        ours[role, transfer] = results.by_factor(table, role, transfer)
        theirs[role, transfer] = results.by_factor(paper, role, transfer)
        bars = results.summary_by_seed(results.by_factor(first, role, transfer)["class_relationship"])
        glue(f"gap_{role}_{transfer}", results.in_words(bars["gap"]), display=False)
        if transfer in ("lp", "full-many"):  # the kinds that the paper shows
            panels = figures.factor_panels(ours[role, transfer], theirs[role, transfer])
            glue(f"panels_{role}_{transfer}", panels)
            glue(f"source_{role}_{transfer}", found[role].part(transfer=transfer).caption, display=False)
    glue(f"source_{role}_first", evidence.Evidence(first, found[role].record).caption, display=False)
    rows = ours[role, "lp"]["class_relationship"]
    means = rows.groupby(["level", "transforms"])["value"].mean()
    chance = 1 / factors.SETTINGS[role].target
    glue(f"chance_{role}", chance, display=False)
    glue(f"lowest_{role}", float(means.min()), display=False)
    glue(f"highest_{role}", float(means.max()), display=False)
    near = means.max() - chance < (1 - chance) / 4
    glue(
        f"room_{role}",
        "So near to guessing, neither gap nor range can be large." if near else "That leaves room for both.",
        display=False,
    )
    bars = results.summary_by_seed(rows)
    glue(f"difference_{role}", results.in_words(bars["gap"] - bars["range_same"], digits=3), display=False)
    compared = [name for name in results.PRETRAINING_FACTORS if name in ours[role, "lp"]]
    glue(f"range_{role}", results.in_words(bars["range_same"]), display=False)
    glue(f"both_gap_{role}", results.in_words(bars["gap"]), display=False)
    glue(f"summary_{role}", figures.factor_summaries(first, paper, role, factors=compared))
    glue(f"source_{role}", found[role].caption, display=False)
    used = table[table["factor"] == "class_relationship"].groupby("transfer")["samples"].max()
    for name in ("few", "many"):
        glue(f"n_{name}_{role}", int(used[f"full-{name}"]), display=False)
    n_probe[role] = f"{int(used['lp']):,}"
    per_class = found[role].record.sizes[role.replace("cifar", "natural")]["samples"]
    glue(f"n_pretraining_{role}", per_class, display=False)
    spec = factors.SETTINGS[role].data(profiles.profile("quick"), None, ())
    glue(f"per_class_{role}", spec.samples(1.0) // len(spec.class_names()), display=False)
glue("n_probe", " and ".join(dict.fromkeys(n_probe.values())), display=False)
for role in factors.SETTINGS:
    published = results.summary(results.by_factor(paper, role)["class_relationship"])
    glue(f"paper_gap_{role}", published["gap"], display=False)
    glue(f"paper_range_{role}", published["range_same"], display=False)
for role in ROLES:
    tuned = results.summary(theirs[role, "full-many"]["class_relationship"])
    glue(f"paper_gap_{role}_full-many", tuned["gap"], display=False)

used, full = found["cifar10"].record.sizes, profiles.profile("paper", seeds=1)
glue("seconds", sum(one.record.seconds for one in found.values()), display=False)
glue("paper_hours", reproducing.gpu_hours(full, *(f"factors_{role}" for role in ROLES)), display=False)
glue("gpu_rate", reproducing.GPU_RATE, display=False)
glue("n_views", used["natural10"]["views"], display=False)
glue("paper_views", full.natural10.views, display=False)
glue("share_few", 100 * used["natural10"]["few"], display=False)
glue("share_many", 100 * used["natural10"]["many"], display=False)
glue("model", used["models"][0], display=False)

# %% [markdown]
# ## Ten classes
#
# ```{glue:figure} panels_cifar10_lp
# :name: fig-natural-10-lp
# :alt: Panels of accuracy by linear probe over the levels of each factor, for the same and for other transformations, with the paper's CIFAR-10 values as hollow marks.
#
# In the place of CIFAR-10: accuracy of the linear probe on the target. Pretraining images are per class, images for transfer in all. Filled
# marks: this run, with seeds as small marks and 95 % intervals over seeds. Hollow marks: the paper, its levels in brackets where they
# are other ones. Images for transfer are shares of a class's images, the paper's mark beside the same share.
# Run: {glue:text}`source_cifar10_lp`.
# ```
#
# The default is {glue:text}`model`, pretrained on the other half of the classes with {glue:text}`n_pretraining_cifar10:,d` images of each (a hundred
# classes: {glue:text}`n_pretraining_cifar100:,d`). For the panel of images for transfer, pretraining has seen the target's own classes. A factor
# of which this run has one level only, such as the architecture in a small profile, has no panel.
#
# The table has this run's means, the paper's in brackets, and this run's gap with its standard error and 95 % interval over seeds. Numbers of
# pretraining images stand beside the paper's in the same place, fine-tuning samples beside the same share.

# %% tags=["remove-input"]
results.compared_factors(ours["cifar10", "lp"], theirs["cifar10", "lp"])

# %% [markdown]
# A dash stands where the paper has no value, or where its mark hides behind another one in the plot that it was read from.
#
# Training all weights can change the representation, so it can make up for what pretraining lacked. Of this we have the paper's values for
# 10 % of the images:
#
# ```{glue:figure} panels_cifar10_full-many
# :name: fig-natural-10-many
# :alt: Panels of accuracy after full fine-tuning on many images, over the levels of each factor, with the paper's values as hollow marks.
#
# In the place of CIFAR-10: accuracy after full fine-tuning on {glue:text}`share_many:g` % of the images (hollow: 10 %); the panel of images for
# transfer varies that share. Marks as in {numref}`fig-natural-10-lp`. Run: {glue:text}`source_cifar10_full-many`.
# ```
#
# Averaged over the class relationships, all in the first direction, the gap between same and other transformations is
# {glue:text}`gap_cifar10_lp` by linear probe, {glue:text}`gap_cifar10_full-few` after fine-tuning on {glue:text}`share_few:g` % and
# {glue:text}`gap_cifar10_full-many` on {glue:text}`share_many:g` %. The paper has {glue:text}`paper_gap_cifar10:.2f` by linear probe and
# {glue:text}`paper_gap_cifar10_full-many:.2f` on 10 %. Mind that the probe and the two kinds of fine-tuning have different numbers of
# images.

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All values: fine-tuning on many images", "code_prompt_hide": "Hide the values"}
results.compared_factors(ours["cifar10", "full-many"], theirs["cifar10", "full-many"])

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All values: fine-tuning on few images", "code_prompt_hide": "Hide the values"}
results.compared_factors(ours["cifar10", "full-few"], theirs["cifar10", "full-few"])

# %% tags=["remove-input"]
found["cifar10"].link("factors_cifar10")

# %% [markdown]
# ## A hundred classes
#
# ```{glue:figure} panels_cifar100_lp
# :name: fig-natural-100-lp
# :alt: Panels of accuracy by linear probe over the levels of each factor, for the same and for other transformations, with the paper's CIFAR-100 values as hollow marks.
#
# In the place of CIFAR-100: accuracy of the linear probe on the target. Marks as in {numref}`fig-natural-10-lp`. Run: {glue:text}`source_cifar100_lp`.
# ```
#
# ```{glue:figure} panels_cifar100_full-many
# :name: fig-natural-100-many
# :alt: Panels of accuracy after full fine-tuning on many images, over the levels of each factor, with the paper's values as hollow marks.
#
# In the place of CIFAR-100: accuracy after full fine-tuning on {glue:text}`share_many:g` % of the images (hollow: 10 %); the panel of images for
# transfer varies that share. Marks as in {numref}`fig-natural-10-lp`. Run: {glue:text}`source_cifar100_full-many`.
# ```
#
# Here the gap is {glue:text}`gap_cifar100_lp` by linear probe, {glue:text}`gap_cifar100_full-few` after fine-tuning on
# {glue:text}`share_few:g` %, and {glue:text}`gap_cifar100_full-many` on {glue:text}`share_many:g` %. The paper has
# {glue:text}`paper_gap_cifar100:.2f` by linear probe and {glue:text}`paper_gap_cifar100_full-many:.2f` on 10 %.
#
# By linear probe, the accuracies after pretraining on the four kinds of classes lie between {glue:text}`lowest_cifar100:.2f` and
# {glue:text}`highest_cifar100:.2f`; guessing gives {glue:text}`chance_cifar100:.2f`. {glue:text}`room_cifar100`

# %% tags=["remove-input"]
results.compared_factors(ours["cifar100", "lp"], theirs["cifar100", "lp"])

# %% tags=["remove-input", "hide-output"] mystnb={"code_prompt_show": "All values: fine-tuning on many images", "code_prompt_hide": "Hide the values"}
results.compared_factors(ours["cifar100", "full-many"], theirs["cifar100", "full-many"])

# %% tags=["remove-input"]
found["cifar100"].link("factors_cifar100")

# %% [markdown]
# In both files, *other* is called `disjoint` in the column `transforms`. For the fine-tuning samples `level` is empty, and the column `samples`
# has the number of images in all.

# %% [markdown]
# ## Transformations against classes
#
# The gap and the ranges are those of [chapter 3](03_invariances_or_classes): what the target's transformations are worth against others, and
# what the best level of a factor is worth against the worst. For the class relationship the paper finds
#
# $$ \begin{aligned}
# \text{gap} &\ge \text{range}_\text{same} && \text{on Transforms-2D}, \\
# \text{gap} &< \text{range}_\text{same} && \text{on natural images}.
# \end{aligned} $$
#
# ```{glue:figure} summary_cifar10
# :name: fig-natural-10-summary
# :alt: Three panels, one a kind of transfer, with the gap between transformations and the two ranges as bars, factor by factor, with the paper's values for CIFAR-10 as hollow marks.
#
# Gap and ranges in the place of CIFAR-10, in the first direction. Bars are means over seeds, lines 95 % intervals, small dots seeds, hollow
# marks the paper. Run: {glue:text}`source_cifar10_first`.
# ```
#
# ```{glue:figure} summary_cifar100
# :name: fig-natural-100-summary
# :alt: The same three panels of gaps and ranges, with the paper's values for CIFAR-100 as hollow marks.
#
# The same in the place of CIFAR-100. Run: {glue:text}`source_cifar100_first`.
# ```
#
# In numbers, this run ± half the width of its 95 % interval, and the paper's in brackets, for ten and for a hundred classes:

# %% tags=["remove-input"]
results.compared_bars(firsts["cifar10"], paper, "cifar10")

# %% tags=["remove-input"]
results.compared_bars(firsts["cifar100"], paper, "cifar100")

# %% [markdown]
# ## Why the gap may weigh less here
#
# Look at the paper's linear probes. On Transforms-2D the gap is {glue:text}`paper_gap_t2d:.2f`, and the range over the class relationships,
# with the same transformations, {glue:text}`paper_range_t2d:.2f`. On CIFAR-10 they are {glue:text}`paper_gap_cifar10:.2f` and
# {glue:text}`paper_range_cifar10:.2f`, on CIFAR-100 {glue:text}`paper_gap_cifar100:.2f` and {glue:text}`paper_range_cifar100:.2f`; what its
# plots hide is left out. So in the paper the gap does not shrink, but the classes weigh so much more that beside them it comes second.
#
# In this run, with both directions, the gap is {glue:text}`both_gap_cifar10` and the range {glue:text}`range_cifar10` with ten classes; with a
# hundred they are {glue:text}`both_gap_cifar100` and {glue:text}`range_cifar100`. The gap minus the range, formed within each seed, is
# {glue:text}`difference_cifar10` and {glue:text}`difference_cifar100`; below 0 the classes weigh more, as in the paper.
#
# Three explanations for a gap that weighs less are worth having in mind:
#
# - **Most of what varies within a class is not a transformation of ours.** In Transforms-2D, whoever ignores the three transformations
#   and the background sees the same object in all images of a class. Two photographs of dogs are still as different as two dogs. What makes dogs
#   alike has to be learned from dogs.
# - **Natural images bring transformations along.** Things are seen from the left and from the right, in bright and in dull light. So a
#   model that was pretrained with other transformations has met a little of the target's.
# - **There is less to learn from.** With few images per class neither pretraining gets far, and then neither transformations nor classes
#   show. Follow the panel of pretraining samples from left to right: in the paper's values, the hollow marks, the gap needs images to open.
#
# These are explanations, not results: the experiment says how much the gap weighs, not why.
#
# ## What agrees with the paper
#
# The paper's claims are split into statements, each with a rule that was fixed before any run: a number and the threshold that it has to
# pass. A statement is *supported* if the whole 95 % interval of this run lies on the right side of the threshold, *not supported* if it
# lies on the wrong one, and *undecided* otherwise. The [claims ledger](10_claims) has the reasons for the thresholds. Whatever a statement
# calls the data, this run's pictures are those that the captions name.

# %% tags=["remove-input"]
verdicts = claims.ledger({f"factors_{role}": table for role, table in tables.items()})
claims.show(verdicts[verdicts["experiment"].isin([f"factors_{role}" for role in ROLES])])

# %% [markdown]
# Where this run and the paper differ, look for the reasons here first:
#
# - **The pictures.** Drawn scenes are made by one program, photographs are not. The variants of one type of landscape have much in common, so
#   a half of the hundred variants probably says more about the other half than a half of CIFAR-100's classes about the rest. That would make
#   the class relationship weigh less.
# - **Size.** Outside the `paper` profile small networks see fewer images for a shorter time, and most shares of images for transfer are
#   smaller than the paper's.
# - **Few classes.** With ten classes a target has five, and which five a seed draws can matter as much as anything else. The
#   intervals show how much.
#
# **A limitation.** Turned and recoloured photographs are still not what a model meets in practice: another camera, another country, another
# season. The experiment can control what changes because the change is artificial, and that is its price.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-natural-views
# A linear probe cannot change the representation, but it can choose which part of it to use. Does it help to show the probe each image under
# more draws of the transformations?
# ```
#
# ```{solution} ex-natural-views
# :class: dropdown
# Set `views = 5` in the parameters cell. The pretrained models and the fine-tuning come from the cache; only the probes are trained anew,
# each on five draws of every image. More draws tell the probe which directions of the representation move with the transformations. For a
# model that ignores the transformations there is little to learn from that, so the accuracy after *other* transformations should gain more,
# and the gap narrow. Compare the tables before and after, and mind the intervals.
# ```
#
# ```{exercise}
# :label: ex-natural-model
# Do these results depend on the network?
# ```
#
# ```{solution} ex-natural-model
# :class: dropdown
# Set `model = "small_vit"`, or another name from the list beside the parameter. It then takes every place, and the panel of architectures
# disappears, if there was one. Look at the first row of the two tables of gaps and ranges: the accuracies will change, and the question is
# whether the gap and the range over classes keep their order.
# ```
#
# **Defined in:** {py:mod}`invariance.experiments.factors` (the experiment), {py:obj}`invariance.datasets.NaturalImages` (the images),
# {py:mod}`invariance.results` ({py:obj}`~invariance.results.by_factor`, {py:obj}`~invariance.results.summary_by_seed`, and the paper's
# values), {py:mod}`invariance.claims` (the rules).
