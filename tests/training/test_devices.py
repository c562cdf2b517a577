import pytest
import torch

from invariance.training import cores, pick_device, threads


def test_the_number_of_threads_is_as_before_even_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(AssertionError), threads(torch.device("cpu"), before + 1):
        assert torch.get_num_threads() == before  # it is one more here
    assert torch.get_num_threads() == before
    with threads(torch.device("meta"), before + 1):
        assert torch.get_num_threads() == before


def test_a_machine_has_a_core():
    assert cores() >= 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_bare_cuda_is_a_device_with_a_number():
    assert pick_device("cuda") == torch.device("cuda", torch.cuda.current_device())
