import subprocess
import sys

import pytest
import torch

from invariance import sampling
from invariance.datasets import Split, Transforms2D
from invariance.datasets.chunks import CHUNK, in_chunks

CPU, SIZE = torch.device("cpu"), 32
MOST = CHUNK["cpu"] // SIZE**2
"""Images in a chunk."""


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def batch(indices=None):
    spec = Transforms2D(transforms=("rotate", "scale", "noise"))
    return Split(spec.renderer(), 0, "test", 3 * MOST + 5).batch(indices)[0]


def test_slices_cover_the_batch_once_and_are_small():
    for count in (0, 1, MOST, 2 * MOST + 1):
        seen = torch.zeros(count)
        sizes = []

        def fill(rows, seen=seen, sizes=sizes):
            seen[rows] += 1
            sizes.append(rows.stop - rows.start)

        in_chunks(fill, count, SIZE, CPU)
        assert (seen == 1).all()
        assert max(sizes, default=0) <= MOST


def test_large_images_go_through_one_by_one():
    sizes = []
    in_chunks(lambda rows: sizes.append(rows.stop - rows.start), 3, 512, CPU)
    assert sizes == [1, 1, 1]


def test_threads_change_nothing_but_the_time(two_threads):
    with_two = batch()
    torch.set_num_threads(1)
    assert torch.equal(with_two, batch())


def test_inference_mode_and_autocast_change_nothing():
    plain = batch()
    with torch.inference_mode():
        assert torch.equal(batch(), plain)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(batch(), plain)


def test_memory_does_not_grow_with_the_number_of_images():
    code = """
import resource, torch
from invariance.datasets import Split, Transforms2D
split = Split(Transforms2D(transforms=("rotate", "posterize", "noise")).renderer(), 0, "train", 1_000_000)
peaks = []
for number, indices in enumerate(torch.arange(20_000).split(1000)):
    split.batch(indices)
    if number in (4, 19):
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(peaks[1] - peaks[0])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    kibibytes_kept = 15_000 * 3 * 32 * 32 * 4 / 1024  # what the images between the two readings would take
    assert int(out) < 0.1 * kibibytes_kept


def test_random_backgrounds_are_made_in_chunks_too():
    renderer = Transforms2D(backgrounds="random", transforms=()).renderer()
    content = sampling.keys(1, torch.arange(2 * MOST + 3))
    whole = renderer.images(content)
    corner = (slice(None), slice(None), slice(0, 4), slice(0, 4))
    assert torch.equal(whole[corner], renderer.backgrounds(content)[corner])
