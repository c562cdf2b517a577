"""Backbones whose invariances are known, and what the tests read from a profile."""

from torch import nn

SOME = ["rotate", "h_flip", "hue", "grayscale"]


class Given(nn.Module):
    """A backbone that is a function."""

    def __init__(self, function):
        super().__init__()
        self.forward = function


def luma(images):
    # Blind to hue in part, wholly to where a pixel stands.
    return images.mean(1).flatten(1).sort(1).values


def values(table, kind="given", measure="sensitivity_l2", layer="output"):
    part = table[(table["kind"] == kind) & (table["measure"] == measure) & (table["layer"] == layer)]
    return dict(zip(part["transformation"], part["value"], strict=True))
