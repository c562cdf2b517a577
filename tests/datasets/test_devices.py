import pytest
import torch

from invariance.datasets import NaturalImages, ObjectsOnImages, Transforms2D
from invariance.datasets.devices import pick_device
from invariance.errors import InputError

SPECIFICATIONS = (Transforms2D(), NaturalImages(), ObjectsOnImages(task="objects_only"))


@pytest.mark.parametrize("name", ["gpu", "xx", "cpu:3", "meta", "", None, 1.5])
def test_an_unknown_device_is_refused_with_the_known_ones(name):
    for make in (pick_device, *(spec.generator for spec in SPECIFICATIONS)):
        with pytest.raises(InputError, match=r"Unknown device .*Known: auto, cpu, cuda, cuda:N"):
            make(name)


def test_a_device_that_is_not_here_is_refused():
    for make in (pick_device, *(spec.generator for spec in SPECIFICATIONS)):
        with pytest.raises(InputError, match="No device 'cuda:99' here"):
            make("cuda:99")


@pytest.mark.parametrize("name", ["cpu", "cpu:0", torch.device("cpu")])
def test_a_cpu_goes_by_several_names(name):
    assert pick_device(name).type == "cpu"
    assert all(spec.renderer(name).device.type == "cpu" for spec in SPECIFICATIONS)
