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
# # When invariance harms
#
# The chapters before this one asked which invariances help. They may leave the impression that a model cannot ignore enough. But to ignore
# something is to throw it away. What does it cost when the next task asks for just the part that was ignored?

# %% tags=["remove-input"]
from invariance import drawings

drawings.experiment("when_invariance_harms")

# %% [markdown]
# **In short.** {glue:text}`answer`
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
pictures = ""  # paper: CIFAR-10 and its objects, downloaded; empty: drawn
model = ""  # small, small_vit, resnet18, ...; empty means the budget's
epochs = 0  # passes over the pretraining images; 0 means as the budget says
seed = 0  # the seed whose images are shown

# %% tags=["remove-cell"]
from invariance import chapter, live
from invariance.ledger import verdicts
from invariance.studies.when_invariance_harms import STUDY

sizes = STUDY.at(budget, seeds, model, protocol=protocol, pictures=pictures, epochs=epochs)

# %% [markdown]
# ## The idea
#
# Take an image that has two parts, a picture $b$ in the background and a small object $o$ pasted into a corner. Which object it is
# says nothing about the picture. Now train a model to name the picture. For this model the object is noise, and the safest
# representation $f$ is one that does not move when the object is exchanged for another one, $o'$:
#
# $$ f(b, o) \approx f(b, o'). $$
#
# Such an invariance serves the model's task. But the better it holds, the less can be read off $f$ about the object. If it held exactly, no linear
# probe, and no other classifier on $f$, could name the object better than by guessing.
#
# ## Four tasks
#
# The paper {cite}`speicher2024invariance` takes CIFAR-10 for the pictures, and pastes one of ten objects into the upper right
# corner of each. For training, its code crops the pictures at random, by up to four pixels to each side, and mirrors half of them, anew in
# every epoch; so does this book. From the two parts the paper makes four tasks, with ten classes each:
#
# | task | what it shows | what it asks for |
# |---|---|---|
# | image only (`cifar_only`) | the picture | the picture's class |
# | both, label: image (`cifar_mixed`) | picture and object | the picture's class |
# | both, label: object (`objects_mixed`) | picture and object | the object |
# | object only (`objects_only`) | the object on black | the object |
#
# The names in brackets are those of the library and of the file with the data. Figures and tables call the picture *image*, as the paper does.
# Offline, ten types of drawn landscape take the place of CIFAR-10 (`scenes10`); the results on this page are from {glue:text}`images_from`.
#
# A model is pretrained on one of the four tasks. A linear probe, a new linear layer on the frozen model, then tells how well its
# representation serves each of the four. One call trains, probes and measures all of it:

# %%
found = STUDY.find(sizes, device, show)

# %% tags=["remove-cell"]
chapter.glue(found)
chapter.show(found, "images", seed=seed)

# %% [markdown]
# ```{glue:figure} images
# :name: fig-relevance-images
# :alt: Six rows of small images: pictures alone, objects alone on black, both together, the same with another picture, the same with another object, and both with the object at another place.
#
# The same images as the tasks show them. "Both" is shown by two tasks, which ask for different labels. Then come the pairs of which
# sensitivities are made: the third row with another picture behind the object, and with another object. In the last row the objects are
# translated: each image has its object at a random place. The objects of the first seed are {glue:text}`objects`.
# ```
#
# Beside the accuracies we measure sensitivities, as in [Measuring invariance](02_measuring_invariance), on the images that show both
# parts. Here a pair does not differ in a transformation, but in the object, or in the picture behind it. A sensitivity near 0 means that the
# model ignores this part. One near 1 means that exchanging this part alone moves the representation as far as exchanging both.
#
# Four small networks, one for each task, run in this page. Guess which of them notices an exchanged object least, then exchange the object and
# the picture: two networks that were asked for the same thing can still differ in what they ignore.

# %%
live.explorer("relevance")

# %% [markdown]
# One pair of images is not the measure. The last two columns are sensitivities over many pairs, for these four networks. What follows
# has several seeds.
#
# ## A shortcut
#
# A model should give up an invariance where it is paid for it. So pay for it: let the object say something about the picture in pretraining. With
# probability $\alpha$ the object is the one that belongs to the picture's class, the first object to the first class and so on; otherwise it is
# drawn at random. The label is still the picture's class. For $\alpha = 1$ the object alone gives it away. The targets have $\alpha = 0$.

# %% tags=["remove-cell"]
chapter.show(found, "sweeps")

# %% [markdown]
# ```{glue:figure} sweeps
# :name: fig-relevance-sweeps
# :alt: Sensitivities to image and object and accuracies on both targets, over the correlation of object and class and over the share of images with an object.
#
# What a model looks at depends on what it is paid for: with growing correlation $\alpha$ of object and class, and, where it was run, with a growing
# share $\beta$ of images that carry an object. Small marks are seeds, bars 95 % intervals over them. Run: {glue:text}`run`.
# ```
#
# The sensitivity to objects should rise with $\alpha$. And a model that goes by the object need not look at the picture, which shows in the
# accuracy on the picture's class in front of unrelated objects. {glue:text}`correlation`
#
# A second sweep keeps the object irrelevant, and changes how many images carry one: a share $\beta$ of them. For $\beta = 0$ pretraining is the
# task *image only*, for $\beta = 1$ it is *both*. {glue:text}`availability`
#
# The paper plots these curves; it prints no numbers that could stand beside ours.
#
# ## What the models learned to ignore

# %% tags=["remove-cell"]
chapter.show(found, "sensitivity")

# %% [markdown]
# ```{glue:figure} sensitivity
# :name: fig-relevance-sensitivity
# :alt: For each of four pretrainings the sensitivity to exchanging the image and to exchanging the object, with the paper's values as hollow marks.
#
# Sensitivity to exchanging the picture and the object, by pretraining, with the object at its fixed place. Large marks are means over seeds with
# 95 % intervals, small ones seeds. Hollow marks are the paper's. Crosses, where there are any, are the smaller run that was made along with this page. Run: {glue:text}`run`; {glue:text}`sizes.pairs` pairs.
# ```
#
# Compare the first two groups of marks. The model of the first group never saw an object, so it had no occasion to learn to ignore one; its
# sensitivity to objects is {glue:text}`sensitivity.fixed.cifar_only.object`. The model of the second saw an object in every image, and was
# asked for the picture: {glue:text}`sensitivity.fixed.cifar_mixed.object`. In the paper these are
# {glue:text}`sensitivity.fixed.cifar_only.object.paper` and {glue:text}`sensitivity.fixed.cifar_mixed.object.paper`.
#
# The third and fourth group are the mirror image of that. Asked for the object on black, a model has never met a picture; its sensitivity to
# pictures is {glue:text}`sensitivity.fixed.objects_only.image`. Asked for the object in front of pictures, it comes to
# {glue:text}`sensitivity.fixed.objects_mixed.image`. The paper has {glue:text}`sensitivity.fixed.objects_only.image.paper` and
# {glue:text}`sensitivity.fixed.objects_mixed.image.paper`.
#
# ## What that costs

# %% tags=["remove-cell"]
chapter.show(found, "accuracy")

# %% [markdown]
# ```{glue:figure} accuracy
# :name: fig-relevance-accuracy
# :alt: A map of four by four accuracies, pretraining in rows and target in columns, each with its interval and the paper's value.
#
# Accuracy of the linear probe of every pretraining (rows) on every target (columns), the object at its fixed place: mean over seeds, its 95 %
# interval, and the paper's value. Below, an untrained network with a probe, and training on the target's images alone. Run: {glue:text}`run`.
# ```
#
# Look at the third column, the task that asks for the object in front of a picture. A model that never saw an object reaches
# {glue:text}`accuracy.fixed.cifar_only.objects_mixed`. A model that saw an object in every image, and had every reason to ignore it, reaches
# {glue:text}`accuracy.fixed.cifar_mixed.objects_mixed`. The paper has {glue:text}`accuracy.fixed.cifar_only.objects_mixed.paper` and
# {glue:text}`accuracy.fixed.cifar_mixed.objects_mixed.paper`. Guessing one of ten objects gives 0.10.
#
# This is the point of the chapter. Both models were trained for the same labels, and the images of the second even contain what the target asks
# for. If the second serves that target worse all the same, what it learned to ignore is the likely reason.
#
# Within seeds, the accuracy of the second minus that of the first is {glue:text}`harm.object`. That it is lower is
# {glue:text}`harm.object.verdict`.
#
# The mirror image is the picture's class after *both, label: object*, minus that after *object only*: {glue:text}`harm.image`. That this is lower
# is {glue:text}`harm.image.verdict`.

# %% tags=["remove-input"]
chapter.link(found)

# %% [markdown]
# ## How much is there to take away?
#
# Even a model that never saw an object need not show it. The *image only* model has learned what tells pictures apart, and whatever does not help
# with that is weak in its representation. Its sensitivity to objects is {glue:text}`sensitivity.fixed.cifar_only.object`, against
# {glue:text}`sensitivity.fixed.cifar_only.object.paper` in the paper. A probe on it names the object with an accuracy of
# {glue:text}`accuracy.fixed.cifar_only.objects_mixed`, against {glue:text}`accuracy.fixed.cifar_only.objects_mixed.paper`. Guessing has 0.10: the
# closer this baseline is to guessing, the less there is to lose, and the comparison on objects may stay undecided.
# {glue:text}`untrained`
#
# The published accuracies are means over training, validation and test images together, as [chapter 14](14_the_papers_numbers) explains. On new
# images alone the paper's probes may name fewer objects than its table says.
#
# Pictures have a floor of their own. The model that never saw one has a sensitivity to pictures of
# {glue:text}`sensitivity.fixed.objects_only.image`, and in the paper of {glue:text}`sensitivity.fixed.objects_only.image.paper`. A probe on it
# names the picture's class with an accuracy of {glue:text}`accuracy.fixed.objects_only.cifar_mixed`, and of
# {glue:text}`accuracy.fixed.objects_only.cifar_mixed.paper` in the paper.
#
# ## Objects at any place
#
# Translated objects cannot be found by looking at one place. In the paper the model that never saw an object and the one that had reason to
# ignore it then reach {glue:text}`accuracy.translated.cifar_only.objects_mixed.paper` and
# {glue:text}`accuracy.translated.cifar_mixed.objects_mixed.paper` on *both, label: object*, and the model that is trained for the translated
# object itself reaches {glue:text}`accuracy.translated.objects_mixed.objects_mixed.paper`. {glue:text}`translated` A model that has not
# learned its own task has had little reason yet to ignore anything.

# %% tags=["remove-input"]
found.show("translated")

# %% [markdown]
# Each cell has this run's mean with its 95 % interval, and after the semicolon the paper's value. Sensitivities of this run are measured on
# translated objects; the published code measures them at the fixed place.
#
# ## Sensitivity and accuracy together
#
# If what a model ignores is lost to the target, then the models that are most sensitive to a part should do best where that part is
# the label. The paper tests this with the correlation of sensitivity and accuracy over the four models. It is
# {glue:text}`correlation.fixed.image` for the picture and {glue:text}`correlation.fixed.object` for the object; in the paper,
# {glue:text}`correlation.fixed.image.paper` and {glue:text}`correlation.fixed.object.paper`.
#
# A correlation over four points is weak evidence, whatever its size. That is why the paired comparisons above come first, and why the ledger does
# not count it.
#
# ## What agrees with the paper
#
# The [claims ledger](10_claims) splits the paper's claims into statements, and says what the verdicts mean. These are its statements about
# relevant and irrelevant parts.

# %% tags=["remove-input"]
verdicts.show(verdicts.rows([found]))

# %% [markdown]
# The values themselves are not meant to be equal. This run's come from model {glue:text}`model`, pretrained on {glue:text}`sizes.samples`
# images for {glue:text}`sizes.epochs` epochs; the paper's from ResNet-18, {glue:text}`paper.samples` images and {glue:text}`paper.epochs`
# epochs. And drawn scenes are no photographs: how hard the pictures are to tell apart decides what the first two columns can reach.
#
# **A limitation.** Outside the sweep over $\alpha$, both parts of the image are independent on purpose. In real data they hardly ever are,
# and nobody says which part the next task will need. The experiment asks whether an invariance can harm; it does not say how often it does.
#
# ## What to take away
#
# - {glue:text}`answer`
# - An invariance harms where the next task asks for what it throws away. Which parts these are is a property of the next task, not of the model.
# - A model ignores what its training gave it reason to ignore, and it stops doing so where ignoring costs it accuracy.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-harm-epochs
# Does a model ignore the object more, the longer it is trained?
# ```
#
# ```{solution} ex-harm-epochs
# :class: dropdown
# Set `epochs = 10` in the parameters cell, which is more than `quick` has. Then compare
# *both, label: image* in {numref}`fig-relevance-sensitivity` before and after: nothing in the loss asks for the object,
# and every trace of it that reaches the head is noise there. The idea predicts that the sensitivity to objects falls further, and the
# accuracy in the third column of {numref}`fig-relevance-accuracy` with it. Mind the intervals: a change within them may be luck.
# ```
#
# ```{exercise}
# :label: ex-harm-model
# Convolutions look at one place at a time, and their results are averaged at the end. Is the harm special to such networks?
# ```
#
# ```{solution} ex-harm-model
# :class: dropdown
# Set `model = "small_vit"`, a transformer, which can attend to some patches of the image and leave out others. Look at the same two cells as
# before: the accuracy on *both, label: object* after *image only*, and after *both, label: image*. If the second is lower for both
# networks, the harm is not special to one of them.
# ```
#
# **Defined in:** {py:mod}`invariance.studies.when_invariance_harms` (the whole study), {py:obj}`invariance.datasets.ObjectsOnImages` (the
# images), {py:mod}`invariance.units` (what is computed and kept), {py:mod}`invariance.measures`
# ({py:obj}`~invariance.measures.sensitivity`).
