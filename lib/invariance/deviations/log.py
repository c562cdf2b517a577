"""The entries of the deviation log."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from invariance.datasets.natural import STATISTICS_ROWS
from invariance.deviations import effects
from invariance.experiments.profiles import PROFILES

KINDS = ("quirk", "text", "choice")
"""Quirks of the published code; places where the paper's text and its code disagree; this book's own choices."""


@dataclass(frozen=True)
class Deviation:
    """One difference: what the paper says, what its code does, what this book does ("" where nothing is known).

    `effect` measures what it changes, in about a second, as numbers by name; `finding` is the sentence that they
    are put into.
    """

    topic: str
    kind: Literal["quirk", "text", "choice"]
    paper: str
    code: str
    book: str
    effect: Callable[[], dict[str, float]] | None = None
    finding: str = ""

    def measured(self) -> str:
        """The effect as a sentence, measured now; empty where there is none."""
        return self.finding.format(**self.effect()) if self.effect else ""


QUIRKS = (
    Deviation(
        "Noise wraps around",
        "quirk",
        "adds noise",
        "adds in 8 bits without a limit: a sum above 255 starts again at 0",
        "sums stop at 1; as_published=True wraps around",
        effects.noise_wrap,
        "A value of the object changes by {change:.0f} of 255 levels on average; {darker:.0%} of them get darker, "
        "though the noise is never negative.",
    ),
    Deviation(
        "Bounding box after scale",
        "quirk",
        "translate keeps the object inside the canvas",
        "scale adds the paste offset to the box's old position, which it does not shrink",
        "the box shrinks with the object; as_published=True keeps the old position",
        effects.box_after_scale,
        "After scale and translate {cut:.0%} of the objects are cut off at the border, here {fixed_cut:.0%}; places "
        "differ by {shift:.1f} pixels on average.",
    ),
    Deviation(
        "Random objects",
        "quirk",
        "uniform random pixels",
        "reads the bytes of float32 numbers as 8-bit colours; new versions of Pillow refuse that",
        "uniform random pixels",
        effects.random_object_bytes,
        "{theirs:.1%} of such pixel values are 62 or 63, and {ours:.1%} of uniform ones.",
    ),
    Deviation(
        "Background salt",
        "quirk",
        "",
        "draws the salt for backgrounds below 10 ^ 6, which in Python is a bitwise operation",
        "no salt: every split and seed has random numbers of its own",
        effects.background_salt,
        "There are {salts} salts. Ten seeds with three splits each got {different} different ones in a simulation, "
        "and {intended} with a million salts.",
    ),
    Deviation(
        "Draws repeat between workers",
        "quirk",
        "every image draws its own parameters",
        "one generator, whose state each loader worker gets a copy of; data depend on the number of workers",
        "a draw is a function of seed, split and index: no generator and no workers",
        effects.repeated_draws,
        "Simulated: of all images, {workers_4:.0%} have a draw of their own with 4 workers, {workers_12:.0%} with 12.",
    ),
    Deviation(
        "An image's draws go on from epoch to epoch",
        "quirk",
        "",
        "draws come from a generator that goes on, so an index has no image of its own",
        "on Transforms-2D the same index is the same image in every epoch; natural images are fixed in number, so "
        "their transformations are drawn anew in each epoch",
    ),
    Deviation(
        "Seed of the random pairs",
        "quirk",
        "random pairs from a seed",
        "gives the seed to the global generator, which the permutation does not use",
        "the permutation comes from the seed, and pairs no image with itself",
        effects.shuffle_seed,
        "Over ten seeds of the pairs, an untrained network's sensitivity is {value:.3f} with a standard deviation of "
        "{deviation:.3f} (500 pairs).",
    ),
    Deviation(
        "CKA's diagonal",
        "quirk",
        "an unbiased estimate of CKA",
        "centres the Gram matrices before it clears their diagonals",
        "clears the diagonals of the raw ones; as_published=True for the other order",
        effects.cka_quirk,
        "The estimate differs by {difference:.0e}: it ignores what is added to whole rows and columns. A quirk without "
        "consequence.",
    ),
    Deviation(
        "CIFAR's validation images",
        "quirk",
        "held out from training",
        "chooses them anew at every set-up, so that later ones were trained on",
        "one fixed choice, the same for all seeds, a tenth of each class",
        effects.validation_leak,
        "{share:.0%} of one set-up's validation images are training images of another.",
    ),
    Deviation(
        "The published repository",
        "quirk",
        "",
        "cannot be imported: a line of its .gitignore left out a package it needs",
        "everything is in the repository, and a test imports it from a clean copy",
    ),
)

TEXT = (
    Deviation(
        "Width of the ViT",
        "text",
        "384 hidden units in each perceptron",
        "1,536",
        "1,536, as the results were made",
        effects.vit_width,
        "{code:.1f} million parameters instead of {text:.1f}.",
    ),
    Deviation("Weight decay of the ViT", "text", "1e-5", "5e-5", "5e-5"),
    Deviation(
        "Attention of the ViT",
        "text",
        "a standard vision transformer",
        "divides scores by the root of the whole width, and has a GELU after the second layer too",
        "as the code",
    ),
    Deviation(
        "Accuracies of 0.98 on CIFAR-10",
        "text",
        "0.98 in the relevance experiment",
        "",
        "no explanation: a ResNet-18 like this one usually reaches about 0.95",
    ),
    Deviation(
        "Whole pixels",
        "text",
        "scale by 0.4 to 1; pixelate by 0.3",
        "rounds down to whole pixels: int(factor * 32) a side, and 9 coarse pixels",
        "as the code; blocks are 3 or 4 pixels wide",
        effects.whole_pixels,
        "The mean factor drawn is {drawn:.3f}, the mean factor applied {applied:.3f}.",
    ),
    Deviation("LoRA", "text", "not mentioned", "rank 4, not reported", "FineTuning(tuning='lora'), rank 4 by default"),
)

CHOICES = (
    Deviation(
        "Pictures",
        "choice",
        "cut-outs of photographs, nature photographs, CIFAR",
        "the same",
        "drawn by code: glyphs, scenes, scenes10 and scenes100, as many of each; pictures='paper' uses the paper's",
    ),
    Deviation(
        "Arithmetic of the transformations",
        "choice",
        "",
        "8-bit pictures between the steps",
        "float32 in [0, 1] throughout",
        effects.rounding,
        "After rotate, hue and contrast a colour differs by {levels:.2f} of 255 levels on average.",
    ),
    Deviation(
        "Bfloat16",
        "choice",
        "",
        "",
        "networks compute in bfloat16 where the hardware is fast at it; measures are taken in float32",
        effects.half_precision,
        "An untrained network's sensitivity of {value:.3f} changes by {change:.4f}.",
    ),
    Deviation(
        "Normalisation of natural images",
        "choice",
        "each data set's own means and deviations",
        "",
        f"computed from the images: all training ones of CIFAR, {STATISTICS_ROWS:,} of a stand-in",
    ),
    Deviation(
        "Whose transformations are the target's",
        "choice",
        "drawn for each seed",
        "drawn for each seed",
        "dealt like cards: six seeds in a row make each of the 18 a target's once",
        effects.dealt_targets,
        "Among the targets of six seeds are {dealt} different transformations; {independent} in one independent draw.",
    ),
    Deviation(
        "Both directions",
        "choice",
        "one target for each pair of models",
        "the same",
        "experiments A and B also probe each pair on a target with the other transformations; target == 'first' in "
        "a table is the paper's direction alone",
    ),
    Deviation(
        "Subsets of CIFAR's classes",
        "choice",
        "half of the classes, 5 or 50, are the target",
        "",
        "a subset is a third of these, as on Transforms-2D: 2 and 17 classes",
    ),
    Deviation(
        "Images of a CIFAR-100 class",
        "choice",
        "up to 500",
        "",
        "up to 450: one in ten of the 500 is a validation image",
    ),
    Deviation(
        "Views in a probe on natural images",
        "choice",
        "200 epochs",
        "new draws whenever an image is loaded",
        f"features of {PROFILES['paper'].natural10.views} draws, computed once and taken in turn (profile paper), for "
        "translated objects on natural images too; one draw otherwise",
    ),
    Deviation(
        "Objects and classes that are tied",
        "choice",
        "a correlation of object and class",
        "",
        "with probability alpha the object tied to the class, else any of the ten, which may be the same one",
        effects.tied_objects,
        "At alpha = {alpha:g} the objects of {share:.1%} of the images match their class.",
    ),
    Deviation(
        "Pairs with an exchanged part",
        "choice",
        "the object or the image is exchanged",
        "",
        "the new one always differs from the old one",
        effects.equal_pairs,
        "Drawn at random from ten, {drawn:.1%} of the pairs would show the same object twice; here {kept:.0%}.",
    ),
    Deviation(
        "Classes in the mismatch experiment",
        "choice",
        "30 classes",
        "",
        "the same 30 for pretraining and target, which is how we read it",
    ),
    Deviation(
        "Estimate of CKA",
        "choice",
        "CKA",
        "the unbiased estimate over minibatches",
        "the same, in minibatches of at most 64, fewer where pairs are few, with an interval",
        effects.cka_bias,
        "For independent representations, 96 wide, plain CKA is {plain_32:.2f}, {plain_128:.2f} and {plain_1024:.2f} "
        "in minibatches of 32, 128 and 1,024; the unbiased estimate is {unbiased:.3f}. The true value is 0.",
    ),
    Deviation(
        "Intervals",
        "choice",
        "means over 10 seeds, some with standard deviations",
        "",
        "95 % intervals of the mean over seeds (Student's t), and over pairs for a single model",
    ),
    Deviation(
        "Cosine and dot product",
        "choice",
        "similarities",
        "mean similarity of pairs over that of random images",
        "as sensitivities: 0 is invariant and 1 as far as random images, by distances (1 - cosine, share of variance); "
        "as_published gives the ratio of similarities",
    ),
    Deviation(
        "scenes10 and scenes100 share their pictures",
        "choice",
        "CIFAR-10 and CIFAR-100 have different images",
        "",
        "offline, scenes10 and scenes100 are the same landscapes, labelled by type and by variant; where only images "
        "matter, as in invariance transfer, both columns then show the same, and they count as one",
    ),
    Deviation(
        "The sweeps of correlation and availability",
        "choice",
        "change the objects in pretraining on both, with the picture's class as the label",
        "",
        "the same; targets keep an independent object on every image, and the object alone on black is left out, since "
        "no picture is in it",
    ),
    Deviation(
        "Data types of invariance transfer",
        "choice",
        "names five columns for each kind of training",
        "",
        "all ten types are measured; image objects on scenes stand beside the paper's image objects, random ones "
        "on noise beside its random objects",
    ),
    Deviation(
        "Smallest share of CIFAR-100",
        "choice",
        "1 % of 500 images a class, which is 5",
        "",
        "1 % of the 450 that are not held out for validation, rounded to 4",
    ),
    Deviation(
        "Size of pasted objects",
        "choice",
        "shrunk to 0.7 and then to 0.55",
        "two resizings, which leave about 11.7 pixels",
        "one resizing to 11 pixels, so that the box is exact",
    ),
    Deviation(
        "Head before fine-tuning",
        "choice",
        "the head of the linear probe",
        "",
        "of a probe on the same few images that fine-tuning then uses",
    ),
    Deviation(
        "Sizes at quick",
        "choice",
        f"50,000 images, 50 epochs, ResNet-18; {PROFILES['paper'].factors.probe_samples:,} images for a probe and "
        f"{PROFILES['paper'].factors.many:,.0f} as many for fine-tuning",
        "the same",
        f"small networks, fewer images and epochs, {PROFILES['quick'].factors.probe_samples:,} images for a probe and "
        f"{PROFILES['quick'].factors.many:,.0f} as many for fine-tuning, nothing like the paper's largest pretraining, "
        f"{PROFILES['quick'].seeds} seeds (twice as many for the probes of the class relationship, "
        "objects at their fixed place and the first model of the mismatch), learning rate "
        f"{PROFILES['quick'].factors.learning_rate:g}, batches of {PROFILES['quick'].factors.batch_size}, "
        f"{PROFILES['quick'].invariance_transfer.pairs} pairs a cell of "
        "invariance transfer, other shares of CIFAR's images; profile paper has the paper's",
    ),
    Deviation(
        "Numbers of images at quick",
        "choice",
        "such as 1,000 to 500,000 for pretraining",
        "the same",
        "smaller numbers; the first stands beside the paper's first, the second beside its second, and so on",
        effects.quick_levels,
        "Pretraining on {first:,} to {last:,} images, {span:.0f} times as many; in the paper {paper_span:.0f} times.",
    ),
    Deviation(
        "Epochs for few images at quick",
        "choice",
        "the same number of epochs for any number of images",
        "the same",
        "as many epochs as it takes to see least_images in all; 0 in profile paper, which switches it off",
        effects.least_images,
        "At quick {fewest:,} images are seen {epochs_fewest} times and {samples:,} images {epochs} times; fine-tuning "
        "on {few:,} takes {epochs_few} epochs.",
    ),
    Deviation(
        "Fitting the probe at quick",
        "choice",
        "200 epochs of Adam",
        "the same",
        "logistic regression to its optimum (L-BFGS), its weight decay chosen on the validation images; profile "
        "paper uses Adam. A test holds both within half a point on a real case",
    ),
    Deviation(
        "Warm-up of the ViT",
        "choice",
        "5 epochs",
        "the same",
        "5 epochs, but at most a tenth of the run: at quick all of it would be warm-up",
    ),
    Deviation(
        "Batch norm under LoRA",
        "choice",
        "",
        "",
        "keeps its statistics and factors, since few images estimate them badly",
    ),
)

LOG: tuple[Deviation, ...] = (*QUIRKS, *TEXT, *CHOICES)
