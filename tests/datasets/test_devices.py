import pytest
import torch

from invariance.datasets import NaturalImages, ObjectsOnImages, Transforms2D
from invariance.datasets.devices import autocast, cores, fast_bf16, pick_device, threads
from invariance.errors import InputError

SPECIFICATIONS = (Transforms2D(), NaturalImages(), ObjectsOnImages(task="objects_only"))


@pytest.mark.parametrize("name", ["gpu", "xx", "cpu:3", "meta", "", None, 1.5])
def test_an_unknown_device_is_refused_with_the_known_ones(name):
    for make in (pick_device, *(spec.renderer for spec in SPECIFICATIONS)):
        with pytest.raises(InputError, match=r"Unknown device .*Known: auto, cpu, cuda, cuda:N"):
            make(name)


def test_a_device_that_is_not_here_is_refused():
    for make in (pick_device, *(spec.renderer for spec in SPECIFICATIONS)):
        with pytest.raises(InputError, match="No device 'cuda:99' here"):
            make("cuda:99")


@pytest.mark.parametrize("name", ["cpu", "cpu:0", torch.device("cpu")])
def test_a_cpu_goes_by_several_names(name):
    assert pick_device(name).type == "cpu"
    assert all(spec.renderer(name).device.type == "cpu" for spec in SPECIFICATIONS)


def test_the_number_of_threads_is_as_before_even_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(AssertionError), threads(torch.device("cpu"), before + 1):
        assert torch.get_num_threads() == before  # it is one more here
    assert torch.get_num_threads() == before
    with threads(torch.device("meta"), before + 1):
        assert torch.get_num_threads() == before


def test_a_machine_has_a_core():
    assert cores() >= 1


def test_bfloat16_can_be_turned_off(monkeypatch):
    cpu, weights = torch.device("cpu"), torch.ones(2, 2)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    monkeypatch.setenv("INVARIANCE_BF16", "1")
    with autocast(cpu):
        assert fast_bf16(cpu) and (weights @ weights).dtype == torch.bfloat16
    monkeypatch.setenv("INVARIANCE_BF16", "0")
    with autocast(cpu):
        assert not fast_bf16(cpu) and (weights @ weights).dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_bare_cuda_is_a_device_with_a_number():
    assert pick_device("cuda") == torch.device("cuda", torch.cuda.current_device())
