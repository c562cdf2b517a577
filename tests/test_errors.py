import numpy as np
import pytest
import torch

from invariance.errors import InputError, check_whole


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), torch.tensor(3)])
def test_whole_numbers_become_python_integers(value):
    found = check_whole("Number of pairs", value, 1, 3)
    assert found == 3 and type(found) is int


@pytest.mark.parametrize("value", [0, 4, 3.0, np.float32(3), float("nan"), "3", None, True, np.True_, [3], slice(3)])
def test_anything_else_is_refused_with_the_range(value):
    with pytest.raises(InputError, match=r"Number of pairs .* is not usable: give a whole number from 1 to 3\."):
        check_whole("Number of pairs", value, 1, 3)


def test_without_a_range_it_is_what_a_tensor_can_hold():
    assert check_whole("Seed", -(2**63)) == -(2**63)
    with pytest.raises(InputError, match=r"give a whole number of at most 64 bits\."):
        check_whole("Seed", 2**63)
    with pytest.raises(InputError, match=r"of at least 0\."):
        check_whole("Seed", -1, 0)
