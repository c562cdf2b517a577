"""What a GPU would be asked to do, followed with tensors that have a shape and a device but no values.

No GPU is needed: operations that mix devices fail, and so does every look at a value, for which the host would
have to wait.
"""

import sys

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode, unset_fake_temporarily

from invariance import pictures, transforms
from invariance.datasets import NaturalImages, ObjectsOnImages, Split, Transforms2D
from invariance.datasets import natural as natural_module
from invariance.datasets import objects_on_images as objects_module
from invariance.datasets import transforms_2d as transforms_2d_module
from invariance.datasets.module import Batches
from invariance.protocol import CORRECTED, PUBLISHED
from invariance.transforms import TRANSFORMATIONS

DEVICE = torch.device("cuda", 0)
MODULES = (transforms_2d_module, natural_module, objects_module)

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")


@pytest.fixture
def gpu(monkeypatch):
    for module in MODULES:
        monkeypatch.setattr(module, "pick_device", lambda name: DEVICE)
    # Scenes come in all at once on a GPU: here, as pictures without values, without being drawn.
    monkeypatch.setattr(natural_module.Pictures, "_read", lambda self, rows: self.missing.fill(False))
    for name in ("foregrounds", "backgrounds"):
        monkeypatch.setattr(pictures, name, real(getattr(pictures, name)))
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield
    forget()


def real(load):
    """What is loaded before anything comes to the GPU has its values."""

    def wrapped(*given):
        with unset_fake_temporarily():
            return load(*given)

    return wrapped


def forget():
    """Empty the package's caches, so that no other test finds a tensor without values."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "invariance":
            for value in vars(module).values():
                getattr(value, "cache_clear", int)()


def test_a_look_at_a_value_is_found_out(gpu):
    with pytest.raises(DataDependentOutputException):
        torch.zeros(3, device=DEVICE).max().item()


@pytest.mark.parametrize("name", TRANSFORMATIONS)
@pytest.mark.parametrize("protocol", [CORRECTED, PUBLISHED])
def test_transformations_stay_on_the_device(gpu, monkeypatch, name, protocol):
    monkeypatch.setitem(transforms.own._sound, name, TRANSFORMATIONS[name])  # an own one is looked at once
    keys = torch.zeros(8, dtype=torch.int64, device=DEVICE)
    boxes = torch.zeros(8, 4, dtype=torch.int64, device=DEVICE)
    names = [name, "translate" if name != "translate" else "scale"]
    drawn = transforms.draw(names, keys, 32)
    for channels, given in ((4, boxes), (3, None)):
        images = torch.zeros(8, channels, 32, 32, device=DEVICE)
        out = transforms.apply(names, images, drawn, given, protocol)
        assert (out.shape, out.device) == (images.shape, DEVICE)


@pytest.mark.parametrize(
    "spec",
    [
        Transforms2D(transforms=("scale", "hue", "blur")),
        Transforms2D(foregrounds="random", backgrounds="random", prototypes=3, transforms=("rotate",)),
        NaturalImages(transforms=("translate", "grayscale", "noise")),
        ObjectsOnImages(task="cifar_mixed", translate=True, correlation=0.5, availability=0.5),
        ObjectsOnImages(task="objects_only"),
        Transforms2D(foregrounds="random", backgrounds="random", transforms=("translate",), protocol="published"),
        NaturalImages(transforms=("translate", "grayscale", "noise"), protocol="published"),
        ObjectsOnImages(task="cifar_mixed", translate=True, protocol="published"),
    ],
    ids=lambda spec: spec.kind,
)
def test_batches_are_made_without_a_wait(gpu, spec):
    split = Split(spec.renderer(), 0, "target/train", 20)
    batches = list(Batches(split, 8, seed=0))
    assert [tuple(images.shape) for images, _ in batches] == [(8, 3, 32, 32), (8, 3, 32, 32), (4, 3, 32, 32)]
    assert {part.device for batch in batches for part in batch} == {DEVICE}
