"""Protocols: which slips of the published code a computation repeats, as flags that say what each changes.

`CORRECTED` is what the paper's text says where that is sound, and what the code does where the text is silent.
`PUBLISHED` is the published code with its slips. Whoever computes reads the flags, never the name.
"""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import model_serializer, model_validator

from invariance.config import Config
from invariance.errors import check_known


class Protocol(Config, frozen=True):
    """Flags of what the published code does, all off by default; fields of this type also take what `find` takes.

    In the configuration of a unit it stands as the list of its flags. Names of files are the published code's.
    """

    eight_bits: bool = False
    """Pictures are rounded to 256 levels after every step, with Pillow's arithmetic in between; `hue` goes through
    8-bit HSV (transforms_2d/transforms.py). Else float32 throughout."""

    darkens_translucent: bool = False
    """Hue, brightness, grayscale, posterize, invert, noise and contrast multiply an object's colours by its alpha, each
    time, also where the transformation is not applied: their wrapper pastes what comes out with the object as the mask
    (transforms.py, 220). Else colours and alpha are kept apart."""

    shifts_right_and_down: bool = False
    """`translate` shifts whole images of 32 pixels by 4 to 13 pixels to the right and down, by a slip of a sign
    (transforms.py, 118). Else by whole pixels up to 15 % of the side, to all sides."""

    boxes_stay: bool = False
    """The bounding box that `translate` moves stays where it was in flips, rotation and shear, and `scale` adds the
    paste offset to its old place (transforms.py, 44 and 236). Else it follows the object."""

    noise_wraps: bool = False
    """`noise` adds in 8 bits, cut off to whole levels, and starts again at 0 above 255 (transforms.py, 162). Else sums
    stop at 1."""

    elastic_dims_border: bool = False
    """`elastic` weighs what it reads across the image's border twice by the share that lies inside, as torchvision does
    with a fill. Else once."""

    random_from_floats: bool = False
    """Random objects and backgrounds are the bytes of float32 numbers, and all splits and epochs share some thousand
    random backgrounds (transforms_2d/datasets.py, 355). Else uniform pixels, and every image has its own background."""

    shared_draws: bool = False
    """Image i of every split, of pretraining and of target has the same draw of the transformations. So it is where the
    code compares invariance with other factors, on Transforms-2D and on CIFAR (transforms_vs_other/config.py, 231), and
    not in its other experiments: give their data a protocol without it. Else every split has its own draws."""

    repeated_draws: bool = False
    """Every epoch has the n draws of the first one again, paired with the n contents in another way. (In the code, the
    loader's workers also repeat each other's draws, so that there are fewer than n.) Else every epoch draws anew."""

    other_normalisation: bool = False
    """CIFAR-10 is divided by deviations of 0.2 that are none of its own (cifar.py, 37), and images with pasted objects
    are brought to [-1, 1]. Else both are normalised by the means and deviations of the natural images."""

    random_tie: bool = False
    """Which object is tied to a class of images is drawn for training, validation and test images apart, and several
    classes may have the same (transforms_2d/datasets.py, 496). Else the k-th object belongs to the k-th class."""

    equal_pairs: bool = False
    """The two draws of a pair may be the same, as one object in ten is. Else they are drawn again until they differ."""

    pairs_at_fixed_place: bool = False
    """Sensitivity of models that saw translated objects is measured at the objects' fixed place
    (irrelevant_feature_extraction/data.py, 197). Else on translated objects."""

    densenet_maps: bool = False
    """DenseNet's representation is measured before the last ReLU and the pooling: 6,144 numbers
    (cifar/densenet.py, 11). Else what its head reads, 384."""

    last_epoch: bool = False
    """Pretraining, probes by Adam and fine-tuning end with the weights of the last epoch. Else with those of the best
    validation epoch, as the text says."""

    short_decay: bool = False
    """In full fine-tuning the learning rate falls to 0 within 5 epochs and stays there (experiment.py, 361). Else it
    falls over all epochs."""

    slow_vit: bool = False
    """The ViT trains its first 5 epochs at a thousandth of the learning rate, then on a cosine over 200 epochs, in
    pretraining, in probes by Adam and in fine-tuning (supervised.py, 97; cifar/vit.py). Else a linear warm-up and a
    cosine within the run in pretraining, and otherwise as all architectures."""

    head_from_many: bool = False
    """Full fine-tuning starts from the head of a probe on all images for probes, save where the number of images varies
    (experiment.py, 128). Else from a probe on the same few images."""

    pooled_accuracy: bool = False
    """What is reported as test accuracy is the mean over classes of the accuracy on training, validation and test
    images together (supervised.py, 90 and 119). Else the share of the test images."""

    @model_validator(mode="wrap")
    @classmethod
    def _by_name(cls, given: Any, as_fields: Any) -> "Protocol":
        return find(given) if isinstance(given, (str, list, tuple)) else as_fields(given)

    @model_serializer
    def flags(self) -> list[str]:
        """The names of the flags that are set, in the order of the fields."""
        return [name for name in type(self).model_fields if getattr(self, name)]


FLAGS = tuple(Protocol.model_fields)

CORRECTED = Protocol()
PUBLISHED = Protocol(**dict.fromkeys(FLAGS, True))
PROTOCOLS = {"corrected": CORRECTED, "published": PUBLISHED}


def find(wanted: str | Iterable[str]) -> Protocol:
    """A protocol by its name or by its flags.

    A name is "corrected" or "published", for ablations with flags added or taken away, such as
    "corrected+noise_wraps+boxes_stay" or "published-shared_draws"; a list of flags is those flags and no others.
    Raises `InputError`, which lists the known ones, for an unknown protocol or flag.
    """
    start, signs = CORRECTED, [("+", flag) for flag in wanted]
    if isinstance(wanted, str):
        name, *rest = re.split(r"([+-])", wanted)
        check_known("protocol", name, PROTOCOLS)
        start, signs = PROTOCOLS[name], list(zip(rest[::2], rest[1::2], strict=True))
    if not signs:
        return start
    for _, flag in signs:
        check_known("flag of a protocol", flag, FLAGS)
    return start.model_copy(update={flag: sign == "+" for sign, flag in signs})


def name_of(protocol: Protocol) -> str:
    """The shortest name that `find` gives this protocol for, such as "published" or "corrected+noise_wraps"."""
    on = protocol.flags()
    off = [flag for flag in FLAGS if flag not in on]
    parts = ["corrected", *(f"+{flag}" for flag in on)]
    if len(off) < len(on):
        parts = ["published", *(f"-{flag}" for flag in off)]
    return "".join(parts)
