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
# # Profile your own model
#
# You have a model of your own, and want to know what it is invariant to. Does it see that a photo is upside down? Would it notice if all colours were
# turned into others?
#
# **In short.** One command measures this for any PyTorch model, on pictures that come with this book or on a folder of your own photos. It draws each
# sensitivity beside that of an untrained copy, so that you see what was learned.
#
# ```
# invariance profile small --weights my_weights.safetensors
# invariance profile my_model.py:load --images photos/ --size 224
# ```
#
# The first line takes an architecture of this book; the second calls the function `load` of a file of yours, which returns a `torch.nn.Module`. Where
# timm or transformers is installed, `timm:NAME` and `hf:NAME` are models too, and `--pretrained` gets their published weights.
#
# :::{admonition} What the command writes, and which weights it takes
# :class: dropdown
# It prints a table and writes it as `profile.csv` with every measure, beside a figure as `profile.png` and `profile.svg`, into a folder of
# `profile/` that is named after the model and the images. A run that was stopped goes on with the same command.
#
# Models of timm and transformers bring their own image size and normalisation. Weights of your own may be a state dict or a whole checkpoint of a
# training: what data parallel training, Lightning or `torch.compile` put before the names is taken away, and what does not fit is listed.
# :::

# %% tags=["parameters"]
import os

budget = os.environ.get("BUDGET", "quick")  # smoke, quick, night or paper
device = "auto"  # auto, cpu, cuda or cuda:1
images = "glyphs"  # or scenes10, scenes100, cifar10, cifar100, a photo folder
transforms = []  # only these, such as ["rotate", "hue"]; empty means all 18
pairs = 0  # of images for each transformation; 0 means as the budget says
seed = 0  # which images, which draws, and which of the book's models

# %% tags=["remove-cell"]
from myst_nb import glue

from invariance import chapter, live, measures, plots

plots.use_book_style()

# %% tags=["hide-input"]
from invariance import profile_model, profiling
from invariance.studies import measuring_invariance, tasks

sizes = measuring_invariance.STUDY.at(budget)
pairs = pairs or sizes.pairs
chosen = transforms or None  # None means all
profiling.check_choices(images, chosen, pairs, device=device)

# %% [markdown]
# ## A model whose answer is known
#
# Should one trust such numbers? Begin with a model whose invariances need no measuring. It says how often each of 64 colours occurs in an image, and
# nothing about where.

# %%
from torch import nn


class ColourShares(nn.Module):
    def forward(self, images):  # (B, 3, H, W), normalised to [-1, 1]
        step = ((images + 1) * 2).long().clamp(0, 3)
        colour = 16 * step[:, 0] + 4 * step[:, 1] + step[:, 2]
        pixels = nn.functional.one_hot(colour.flatten(1), 64)
        return pixels.float().mean(1)  # (B, 64)


telling = ["v_flip", "h_flip", "rotate", "hue", "brightness", "blur"]
known = profile_model(
    ColourShares(),
    "scenes10",
    telling,
    pairs=pairs,
    device=device,
    name="colour shares",
)
l2 = known[known["measure"] == "sensitivity_l2"]
l2.set_index("transformation")[["value", "low", "high"]].round(2)

# %% [markdown]
# A number here is the sensitivity of [Measuring invariance](02_measuring_invariance): 0 is invariant, 1 as far as another image.
#
# A mirrored picture has the same colours, so the sensitivity to flips has to be 0, and is. A rotation turns corners out of
# the picture and fills in black, so its sensitivity is low and not 0. A turn of the hue can change every colour but grey, and its
# sensitivity is higher. There is no untrained copy, since this model has nothing to train.
#
# The pictures here are `scenes10`, which are transformed as a whole. With `glyphs` only the object is transformed,
# while its background stays, so sensitivities tend to be lower. Photos of your own are transformed as a whole too.
#
# ## One call
#
# Now take a network of this book, trained to tell objects apart under three transformations, and treat it as if it were yours. All that
# the call sees is its backbone, which maps a batch of images to their representations.

# %%
model = measuring_invariance.trained_model(budget, seed, device)
trained_with = tasks.task(sizes, seed).transforms["first"]

# %%
settings = {"pairs": pairs, "device": device, "seed": seed}
table = profile_model(model.backbone, images, chosen, **settings)

# %% tags=["remove-cell"]
l2 = table[(table["measure"] == "sensitivity_l2") & (table["kind"] == "given")]
said = {"trained_with": ", ".join(trained_with), "images": images, "budget": budget}
said |= {"n_pairs": int(table["pairs"].iloc[0]), "widest": float((l2["high"] - l2["low"]).max() / 2)}
for name, value in said.items():
    glue(name, value, display=False)
glue("whole", profiling.sensitivity_profile(table))

# %% [markdown]
# ```{glue:figure} whole
# :name: fig-profile
# :alt: Horizontal bars of sensitivity, one a transformation and coloured by category, with intervals; a dark diamond marks the untrained copy on each.
#
# The profile of a network trained with {glue:text}`trained_with`, on {glue:text}`images`. Bars are its sensitivities with 95 %
# intervals, diamonds those of an untrained copy; the dotted line at 1 is the distance of two random images. Budget
# {glue:text}`budget`, {glue:text}`n_pairs:,d` pairs for each transformation.
# ```
#
# A bar says how far the representation moves when only that transformation is drawn anew, divided by how far apart two random images are. Three steps
# make a profile readable.
#
# 1. **Compare within the profile.** The shortest bars are what the model ignores most. What it was trained with, here {glue:text}`trained_with`, need
#    not be among them: how much a transformation changes the pixels counts as well.
# 2. **Compare with the diamond.** An untrained copy of the same architecture shows how much a transformation changes the pixels, as this architecture
#    sees them. A bar left of its diamond is an invariance that was learned. A bar right of it means that the model learned to look at what the
#    transformation changes.
# 3. **Look at the interval.** Where the intervals of two bars overlap widely, their order may be chance. It is the interval over pairs of images, for
#    this one model: another training run can differ by more.
#
# Is a model good whose bars are right of their diamonds? On `glyphs` that is common, and no fault. An untrained network hardly notices the object before
# its background, while a trained one looks at it, and so has more to ignore. Differences of a few hundredths mean little: diamonds differ by as much
# from one random copy to the next.
#
# The table is an ordinary data frame with a row for each network, transformation and measure. The network's numbers:

# %%
numbers = table[table["kind"] == "given"]
order = {"index": "transformation", "columns": "measure", "values": "value"}
numbers.pivot(**order).loc[numbers["transformation"].unique()].round(2)

# %% tags=["remove-input"]
chapter.link_table(table, "profile")

# %% [markdown]
# It holds the four measures of the library, each with its interval (`low`, `high`). Three are sensitivities, for three ideas of
# distance: the length of the difference (`sensitivity_l2`, the bars above), the angle (`sensitivity_cosine`), and the squared length
# (`sensitivity_dot`, which is the share of the representation's variance that the transformation makes). For all of them 0 is
# invariant and 1 as different as random images. The fourth, CKA {cite}`kornblith2019cka`, compares which images
# the model finds similar before and after the transformation, whatever happens to each image alone: there **1** is invariant. A
# transformation that moves every image in the same way has a high sensitivity and a CKA near 1.
#
# Choose one of them here, and hover for the numbers. Call this with a profile of your own model, and it is your model's.

# %%
live.chart("profile", table)

# %% [markdown]
# ## Where in the network?
#
# Invariance is made step by step. The names in `layers` are those of the model's modules; `measures.spread_layers` proposes
# some, and if you misspell one, the error lists them all.

# %%
layers = [*measures.spread_layers(model.backbone, 5), "output"]
others = ["translate", "brightness", "blur", "h_flip"]
shown = list(dict.fromkeys([*trained_with, *others]))[:6]
depth = profile_model(model.backbone, images, shown, layers, **settings)

# %% tags=["remove-cell"]
glue("depth", profiling.sensitivity_by_depth(depth))

# %% [markdown]
# ```{glue:figure} depth
# :name: fig-depth
# :alt: Panels, one a transformation, each with two lines of sensitivity over the layers, for the trained model and its untrained copy.
#
# Sensitivity through the network, from its first activation to its output, with 95 % bands: solid the trained model, dashed its
# untrained copy. Along the axis are the names of modules. The first three transformations are those that the model was trained with.
# ```
#
# Maps of convolutions are averaged over the picture before they are compared. So what only moves things around can look harmless in
# the first layers: the average does not see where something was. Later layers see larger parts of the object, and there its changes
# can come through.
#
# Look for where the trained line bends down, or falls below that of the untrained copy: there the network removes what the transformation did. A
# rising line can still hide learned invariance, since the network also begins to see the object better.
#
# Compare the first three panels with the others: was more removed for what the model was trained with?
#
# ## Train and probe on your own pictures
#
# A profile needs no labels. With labels, your pictures can do all that the book's can: pretraining, linear probes, fine-tuning and
# pairs for the measures. They may be a folder with a folder for each class, or any `torch.utils.data.Dataset` of pictures and labels.
#
# ```python
# import invariance
# from invariance import models, training
# from invariance.datasets.module import ImageData
# from invariance.training.fit import fit
#
#
# def images(split):
#     return invariance.labelled_images(
#         "photos/", transforms=["rotate"], split=split, size=64
#     )
#
#
# train, validation = images("train"), images("validation")
# backbone = models.wrap("timm:resnet18", len(train.classes), size=64)
# data = ImageData(train, validation, batch_size=64, seed=0)
# fit(backbone, data, 10, 1e-3, "auto", checkpoint="state.ckpt")
# features = training.features(backbone, images("test"))
# ```
#
# A tenth of each class is for validation and another one for the test, always the same pictures; `held_out=0` is for pictures that are
# split already. `models.wrap` takes the `size`, `mean` and `std` that a backbone was made for, and images are brought to
# these wherever it sees them. `fit` also takes callbacks and a logger of Lightning's, and with `checkpoint` it goes on where it was stopped.
# In a training loop of your own, `transforms.RandomTransformations(["rotate", "hue"])` applies transformations of the book to a batch,
# alone or within torchvision's `v2.Compose`.
#
# ## What limits such a profile
#
# - **Pairs.** The interval shrinks with the square root of their number: four times as many pairs halve it. In {numref}`fig-profile`,
#   with {glue:text}`n_pairs:,d` pairs, the widest interval is ± {glue:text}`widest:.2f`. A folder gives one pair a photo.
# - **Draws that do nothing.** Some transformations, flips among them, are applied with a probability of one
#   half, as in the paper. In a quarter of their pairs neither image is changed, and for those that always do the same, such as a
#   flip, another quarter has both changed alike. So compare a transformation between models, rather than flips with rotations in one model.
# - **Image size.** Use the size that the model was trained for. The strength of `blur`, `noise`, `elastic` and `erasing` is set in
#   pixels for images of 32 x 32, and means less of the picture on larger ones; the command says so.
# - **Normalisation.** Give the model's own `mean` and `std`. Wrong ones measure a model that nobody uses.
# - **Arithmetic.** A profile runs in float32 (convolutions on recent GPUs in TF32, unless you switch that off). The experiments of the other chapters use bfloat16 where the processor is
#   fast at it; the [deviation log](11_deviations) measures how little that moves a sensitivity.
# - **Low is not good.** Which invariances a model should have depends on the task, as
#   [When invariance harms](06_when_invariance_harms) shows.
#
# ## What to take away
#
# - A profile is read against an untrained copy. Its bars alone say how much a transformation changes the pixels, too.
# - The interval is for one model and its pairs. Another training of the same model can differ by more.
# - Low is not good. What a model should ignore depends on its task.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-profile-model
# What do you expect of a model that shrinks an image to 4 x 4 pixels and flattens it? Write it in two lines and profile it.
# Which transformations does it ignore that `ColourShares` notices, and the other way round?
# ```
#
# ````{solution} ex-profile-model
# :class: dropdown
# ```python
# thumbnail = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten())
# for network in (thumbnail, ColourShares()):
#     found = profile_model(network, "scenes10", pairs=pairs, device=device)
#     display(found[found["measure"] == "sensitivity_l2"][columns])
# ```
# `blur` and `pixelate` keep the averages over large squares nearly as they are, so expect the thumbnail to notice them little. Both
# change single colours, so `ColourShares` may notice them more. Flips and rotations move colours to other squares, which the thumbnail
# notices; `ColourShares` ignores flips altogether.
# ````
#
# ```{exercise}
# :label: ex-profile-images
# The profile of {numref}`fig-profile` is for objects drawn by this book. Does the network's invariance hold for other
# pictures? Set `images = "scenes10"`, or the path of a folder of yours.
# ```
#
# ```{solution} ex-profile-images
# :class: dropdown
# The whole picture is transformed now, so bars and diamonds move, most of them to the right. What to compare is a bar with its diamond.
# Where the bar is left of it, training made the network less sensitive on pictures of a kind that it never saw. Look first at the three
# that it was trained with, {glue:text}`trained_with`, and compare each with its place in the profile above. [Invariance transfer](07_invariance_transfer) measures this for all transformations.
# ```
#
# **Defined in:** {py:mod}`invariance.profiling` ({py:obj}`~invariance.profiling.profile_model`,
# {py:obj}`~invariance.profiling.sensitivity_profile`, {py:obj}`~invariance.profiling.sensitivity_by_depth`),
# {py:mod}`invariance.measures` ({py:obj}`~invariance.measures.measure_all`, {py:obj}`~invariance.measures.cka`,
# {py:obj}`~invariance.measures.spread_layers`), {py:obj}`invariance.data.labelled_images`.
