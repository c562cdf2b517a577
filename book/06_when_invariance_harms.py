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
# The chapters before this one asked which invariances help. They may leave the impression that a model cannot ignore enough.
# But to ignore something is to throw it away, and the next task may ask for just that.
#
# This chapter builds tasks that need different parts of the same image. A model that is trained for one part has every reason
# to ignore the other. Does it? And what does it cost when the next task asks for the part that was ignored?
#
# **What it takes.** The results on this page took {glue:text}`seconds:,.0f` worker seconds, the time that one process alone would need
# ({glue:text}`source`); on two cores two workers share them. At the paper's size one seed is about {glue:text}`paper_hours` hours on
# one GPU. That is an estimate for a GPU of the H200 class, taken to train ResNet-18 on {glue:text}`gpu_rate:,d` images a second
# (assumed, not measured).

# %% tags=["parameters"]
import os

profile = os.environ.get("BOOK_PROFILE", "quick")  # smoke, quick or paper
device = "auto"  # auto, cpu, cuda or cuda:1
seeds = 0  # how many; 0 means as the profile says (at quick, twice for a part)
show = "auto"  # own, published, or auto: published at the paper's size, if any
pictures = "embedded"  # or paper: CIFAR-10 and the paper's objects, downloaded
model = ""  # small, small_vit, resnet18, ...; empty means the profile's
epochs = 0  # passes over the pretraining images; 0 means as the profile says
seed = 0  # the seed whose images are shown

# %% tags=["remove-cell"]
from myst_nb import glue

from invariance import claims, evidence, figures, gallery, reproducing, results
from invariance.experiments import profiles, relevance
from invariance.measures import paired_images

figures.use_book_style()
sizes = profiles.chosen(
    profile,
    seeds,
    pictures=pictures,
    models=(model,) * 5 if model else None,
    relevance={"epochs": epochs} if epochs else None,
)

# %% [markdown]
# ## The idea
#
# Take an image that has two parts, a picture $b$ in the background and a small object $o$ pasted into a corner. Which object it is
# says nothing about the picture. A model is trained to name the picture. For it the object is noise, and the safest
# representation $f$ is one that does not move when the object is exchanged for another one, $o'$:
#
# $$ f(b, o) \approx f(b, o'). $$
#
# That is an invariance like those to rotation or blur, and it serves the model's task. But the better it holds, the less can be
# read off $f$ about the object. If it held exactly, no linear probe, and no other classifier on $f$, could name the object better than by
# guessing.
#
# ## Four tasks
#
# The paper {cite}`speicher2024invariance` takes CIFAR-10 for the pictures, and pastes one of ten objects into the upper right
# corner of each. From the two parts it makes four tasks, with ten classes each:
#
# | task | what it shows | what it asks for |
# |---|---|---|
# | image only (`cifar_only`) | the picture | the picture's class |
# | both, label: image (`cifar_mixed`) | picture and object | the picture's class |
# | both, label: object (`objects_mixed`) | picture and object | the object |
# | object only (`objects_only`) | the object on black | the object |
#
# The names in brackets are those of the library and of the file with the data. Figures and tables call the picture *image*, as the
# paper does. Offline, drawn
# scenes take the place of CIFAR-10: ten types of landscape, `scenes10` by name. The examples on this page are from
# {glue:text}`images`; the captions of the results name their own pictures.

# %% tags=["remove-cell"]
COUNT = 7
specs = {task: relevance.data(sizes, seed, task) for task in relevance.TASKS}
moving = relevance.data(sizes, seed, "cifar_mixed", translate=True)
both = specs["cifar_mixed"].renderer("cpu")
x, other_object = paired_images(both, COUNT, seed, "object")
glue("images", sizes.natural["cifar10"], display=False)
glue("objects", ", ".join(name.replace("_", " ") for name in both.spec.object_names()), display=False)
glue(
    "tasks",
    figures.picture_grid(
        [gallery.examples(specs[task], COUNT, seed) for task in ("cifar_only", "cifar_mixed", "objects_only")]
        + [gallery.examples(moving, COUNT, seed)],
        ["image only", "both", "object only", "both, translated"],
    ),
)
glue(
    "pairs",
    figures.picture_grid(
        [
            gallery.pictures(x),
            gallery.pictures(other_object),
            *(gallery.pictures(images) for images in paired_images(both, COUNT, seed, "background")),
        ],
        ["x", "x': other object", "x", "x': other image"],
    ),
)

# %% [markdown]
# ```{glue:figure} tasks
# :name: fig-relevance-tasks
# :alt: Four rows of small images: pictures alone, the same pictures with an object in the upper right corner, the objects alone on black, and the pictures with the object at another place.
#
# The same images as the tasks show them. "Both" is shown by two tasks, which ask for different labels. In the last
# row the objects are translated: each image has its object at a random place. The objects of this seed are {glue:text}`objects`.
# ```
#
# A model is pretrained on one of the four tasks, and a linear probe, a new linear layer on the frozen model, then tells how well its
# representation serves each of the four. Both are done twice, with the objects at their fixed place and translated. At `quick`
# the fixed place has twice as many seeds as the translated objects and the two sweeps below.
#
# Beside the accuracies we measure sensitivities, as in [Measuring invariance](02_measuring_invariance), on the images that show both
# parts. Here a pair does not differ in a transformation, but in the object, or in the picture behind it. A sensitivity near 0 means that the
# model ignores this part. One near 1 means that exchanging this part alone moves the representation as far as exchanging both.

# %% [markdown]
# ```{glue:figure} pairs
# :name: fig-relevance-pairs
# :alt: Four rows of small images. The first two rows differ in the object alone, the last two in the picture behind it.
#
# Pairs of images, one below the other. In the first two rows the object is exchanged, in the last two the picture behind it.
# ```

# %%
found = evidence.of("relevance", sizes, device, show)
table = found.table
paper = results.paper_relevance()

# %% tags=["remove-cell"]
for position in ("fixed", "translated"):
    ours, theirs = (results.relevance_values(of, position) for of in (table, paper))
    for task in relevance.TASKS:
        for measured in ("objects_mixed", "cifar_mixed", *relevance.EXCHANGED):
            name = f"{position}_{task}_on_{measured}"
            glue(name, results.in_words(ours[task, measured]), display=False)
            glue(f"{name}_paper", float(theirs[task, measured].item()), display=False)

verdicts = claims.ledger({"relevance": table})
for part in ("objects", "images"):
    harm = f"That invariance harms transfer to a task that needs the {part}"
    glue(f"harm_{part}", claims.finding(verdicts, harm), display=False)
for sweep in ("correlation", "availability"):
    glue(f"source_{sweep}", found.part(sweep=sweep).caption, display=False)
    for measured in ("cifar_mixed", "objects"):
        values = results.sweep_values(table, sweep, measured)
        glue(f"{sweep}_{measured}", results.sweep_means(values), display=False)
        glue(f"{sweep}_{measured}_differs", results.sweep_differs(values), display=False)

used = found.record.sizes["relevance"]
full = profiles.profile("paper", seeds=1)
glue("source", found.caption, display=False)
glue("source_fixed", found.part(position="fixed", sweep="").caption, display=False)
glue("source_translated", found.part(position="translated", sweep="").caption, display=False)
glue("seconds", found.record.seconds, display=False)
glue("paper_hours", reproducing.in_hours(reproducing.gpu_hours(full, "relevance")), display=False)
glue("gpu_rate", reproducing.GPU_RATE, display=False)
glue("model", table["model"].iloc[0], display=False)
glue("n_images", used["samples"], display=False)
glue("n_epochs", used["epochs"], display=False)
glue("n_pairs", used["pairs"], display=False)
glue("paper_images", full.relevance.samples, display=False)
glue("paper_epochs", full.relevance.epochs, display=False)
glue("accuracy", figures.relevance_accuracy(table, paper))
glue("sensitivity", figures.relevance_sensitivity(table, paper))
glue("correlated", figures.relevance_correlation(table, paper))
glue("sweep_correlation", figures.relevance_sweep(table, "correlation"))
glue("sweep_availability", figures.relevance_sweep(table, "availability"))

# %% [markdown]
# ## What the models learned to ignore
#
# ```{glue:figure} sensitivity
# :name: fig-relevance-sensitivity
# :alt: For each of four pretrainings two bars of sensitivity, one for exchanging the image and one for exchanging the object, with the paper's values as hollow marks.
#
# Sensitivity to exchanging the picture and the object, by pretraining, with the object at its fixed place. Dots are seeds, bars their means
# with 95 % intervals, hollow marks the paper. Run: {glue:text}`source_fixed`; {glue:text}`n_pairs:,d` pairs.
# ```
#
# Compare the first two groups of bars. The model of the first group never saw an object, so it had no occasion to learn to ignore one; its
# sensitivity to objects is {glue:text}`fixed_cifar_only_on_objects`. The model of the second saw an object in every image, and was asked for
# the picture: {glue:text}`fixed_cifar_mixed_on_objects`. In the paper these are {glue:text}`fixed_cifar_only_on_objects_paper:.2f` and
# {glue:text}`fixed_cifar_mixed_on_objects_paper:.2f`.
#
# The third and fourth group are the mirror image of that. Asked for the object on black, a model has never met a picture; its sensitivity to
# pictures is {glue:text}`fixed_objects_only_on_cifar`. Asked for the object in front of pictures, it comes to
# {glue:text}`fixed_objects_mixed_on_cifar`. The paper has {glue:text}`fixed_objects_only_on_cifar_paper:.2f` and
# {glue:text}`fixed_objects_mixed_on_cifar_paper:.2f`.
#
# ## What that costs
#
# ```{glue:figure} accuracy
# :name: fig-relevance-accuracy
# :alt: A map of four by four accuracies, pretraining in rows and target in columns, each with its interval and the paper's value.
#
# Accuracy of the linear probe of every pretraining (rows) on every target (columns), the object at its fixed place: mean over seeds, half
# the width of its 95 % interval, and the paper's value. Run: {glue:text}`source_fixed`.
# ```
#
# Look at the third column, the task that asks for the object in front of a picture. A model that never saw an object reaches
# {glue:text}`fixed_cifar_only_on_objects_mixed`. A model that saw an object in every image, and had every reason to ignore it, reaches
# {glue:text}`fixed_cifar_mixed_on_objects_mixed`. The paper has {glue:text}`fixed_cifar_only_on_objects_mixed_paper:.2f` and
# {glue:text}`fixed_cifar_mixed_on_objects_mixed_paper:.2f`. Guessing one of ten objects gives 0.10.
#
# This is the point of the chapter: two models that were trained for the same labels, the second on images that even contain what the
# target asks for. If the second serves that target worse all the same, what it learned to ignore is the likely reason.
#
# Here is the accuracy of the second minus that of the first, within seeds, with the verdict on whether it is worse:
# {glue:text}`harm_objects`. The mirror image is the picture's class after *both, label: object*, minus that after *object only*:
# {glue:text}`harm_images`.
#
# With translated objects, the object cannot be found by looking at one place. There the two models reach
# {glue:text}`translated_cifar_only_on_objects_mixed` and
# {glue:text}`translated_cifar_mixed_on_objects_mixed`; in the paper {glue:text}`translated_cifar_only_on_objects_mixed_paper:.2f` and
# {glue:text}`translated_cifar_mixed_on_objects_mixed_paper:.2f`. Look also at the model that is trained for the translated object itself: on its
# own task it reaches {glue:text}`translated_objects_mixed_on_objects_mixed`, and in the paper
# {glue:text}`translated_objects_mixed_on_objects_mixed_paper:.2f`. A model that has not learned its own task has had little reason yet
# to ignore anything.
#
# Here are all numbers of the two variants: this run ± half the width of its 95 % interval, and the paper's in brackets. First the fixed
# place ({glue:text}`source_fixed`):

# %% tags=["remove-input"]
results.compared_relevance(table, paper)

# %% [markdown]
# And the translated objects ({glue:text}`source_translated`):

# %% tags=["remove-input"]
results.compared_relevance(table, paper, "translated")

# %% tags=["remove-input"]
found.link("relevance")

# %% [markdown]
# ## Sensitivity and accuracy together
#
# If what a model ignores is lost to the target, then the models that are most sensitive to a part should do best where that part is
# the label. The paper tests this with the correlation of sensitivity and accuracy over the four models.
#
# ```{glue:figure} correlated
# :name: fig-relevance-correlation
# :alt: Two panels, for images and for objects, with the accuracy of four models over their sensitivity, and the paper's values as hollow marks.
#
# Accuracy where a part is the label, over the sensitivity to that part; the target's images show both parts. Large marks are means over
# seeds, small ones seeds, hollow ones the paper. $r$ is Pearson's correlation over the four models: its mean over seeds, with the 95 % interval.
# Run: {glue:text}`source_fixed`.
# ```
#
# A correlation over four points is weak evidence, whatever its size. That is why the paired comparisons above come first.
#
# ## When the object does say something
#
# So far the object said nothing about the picture. Let it say something in pretraining: with probability $\alpha$ the object is the one that
# belongs to the picture's class, the first object to the first class and so on, and otherwise it is drawn at random. The label is still
# the picture's class; for $\alpha = 1$ the object alone gives it away. The targets are the same as before, with $\alpha = 0$.
#
# ```{glue:figure} sweep_correlation
# :name: fig-relevance-alpha
# :alt: Accuracy on three targets, and sensitivity to images and objects, over the correlation of object and image class.
#
# Pretraining on both, with the picture's class as the label, for growing correlation of object and class. Left: accuracy on the
# targets; right: sensitivities. Small marks are seeds, bars 95 % intervals over them. Run: {glue:text}`source_correlation`.
# ```

# %% tags=["remove-input"]
results.sweep_changes(table, "correlation")

# %% [markdown]
# The table compares the two ends of the sweep, paired by seed. A model should only give up an invariance where it is paid for it. So the
# sensitivity to objects should rise with the correlation. It is {glue:text}`correlation_objects`. Paired by seed, it differs from that at 0,
# with an interval that leaves out zero, at: {glue:text}`correlation_objects_differs`.
#
# A model that goes by the object need not look at the picture. The accuracy on the picture's class in front of unrelated objects
# (*both, label: image*) is {glue:text}`correlation_cifar_mixed`. It differs from that at 0 at:
# {glue:text}`correlation_cifar_mixed_differs`. The paper plots these curves; it prints no numbers that could stand beside ours.
#
# ## When the object is often missing
#
# The second sweep keeps the object irrelevant, and changes how many images carry one: a share $\beta$ of them. For $\beta = 0$ pretraining
# is the task *image only*, for $\beta = 1$ it is *both*.
#
# ```{glue:figure} sweep_availability
# :name: fig-relevance-beta
# :alt: Accuracy on three targets, and sensitivity to images and objects, over the share of pretraining images with an object.
#
# Pretraining on pictures of which a growing share carries an object. Marks as in {numref}`fig-relevance-alpha`. Run: {glue:text}`source_availability`.
# ```

# %% tags=["remove-input"]
results.sweep_changes(table, "availability")

# %% [markdown]
# The sensitivity to objects is {glue:text}`availability_objects`. It differs from that at 0, in the same sense, at:
# {glue:text}`availability_objects_differs`.
#
# ## What agrees with the paper
#
# The paper's claims are split into statements, each with a rule that was fixed before any run: a number and the threshold that it has to
# pass. A statement is *supported* if the whole 95 % interval of this run lies on the right side of the threshold, *not supported* if it
# lies on the wrong one, and *undecided* otherwise. The [claims ledger](10_claims) has the reasons for the thresholds.

# %% tags=["remove-input"]
claims.show(verdicts[verdicts["experiment"] == "relevance"])

# %% [markdown]
# The values themselves are not meant to be equal. This run's come from model {glue:text}`model`, pretrained on {glue:text}`n_images:,d` images
# for {glue:text}`n_epochs:d` epochs; the paper's from ResNet-18, {glue:text}`paper_images:,d` images and {glue:text}`paper_epochs:d` epochs. And
# drawn scenes are no photographs: how hard the pictures are to tell apart decides what the first two columns can reach.
#
# How much is there to take away? The model that never saw an object has a sensitivity to objects of
# {glue:text}`fixed_cifar_only_on_objects`; in the paper it is {glue:text}`fixed_cifar_only_on_objects_paper:.2f`. A probe on this model
# names the object with an accuracy of {glue:text}`fixed_cifar_only_on_objects_mixed`, and of
# {glue:text}`fixed_cifar_only_on_objects_mixed_paper:.2f` in the paper, where guessing gives 0.10. The nearer the first is to 0 and
# the second to guessing, the less is left that ignoring could take away. The comparisons on objects may then stay undecided, and that
# says nothing against the claim.
#
# Pictures have a floor of their own. The model that never saw one has a sensitivity to pictures of
# {glue:text}`fixed_objects_only_on_cifar`, and in the paper of {glue:text}`fixed_objects_only_on_cifar_paper:.2f`. A probe on it names the
# picture's class with an accuracy of {glue:text}`fixed_objects_only_on_cifar_mixed`, and of
# {glue:text}`fixed_objects_only_on_cifar_mixed_paper:.2f` in the paper.
#
# **A limitation.** Outside the sweep over $\alpha$, both parts of the image are independent on purpose. In real data they hardly ever are,
# and nobody says which part the next task will need. The experiment asks whether an invariance can harm; it does not say how often it does.
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
# **Defined in:** {py:mod}`invariance.experiments.relevance` (the experiment), {py:obj}`invariance.datasets.ObjectsOnImages` (the images),
# {py:mod}`invariance.measures` ({py:obj}`~invariance.measures.paired_images`, {py:obj}`~invariance.measures.sensitivity`),
# {py:mod}`invariance.results` ({py:obj}`~invariance.results.relevance_correlations`, {py:obj}`~invariance.results.sweep_values`, and the
# paper's values), {py:mod}`invariance.claims` (the rules).
