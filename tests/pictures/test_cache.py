import numpy as np
import pytest

from invariance.pictures.cache import cached, cached_rows


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    return tmp_path / "pictures"


class Renderer:
    """Row k is a picture of k everywhere; remembers which were asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, rows):
        self.asked += rows.tolist()
        return np.broadcast_to(rows[:, None, None], (len(rows), 3, 4)).astype(np.uint8)


def read(rows, render):
    return cached_rows("pictures", (3, 4), np.array(rows), render)[:, 0, 0].tolist()


def test_only_the_rows_that_are_missing_are_rendered():
    render = Renderer()
    assert read([7, 200, 3], render) == [7, 200, 3]
    assert read([3, 4, 7], render) == [3, 4, 7]
    assert render.asked == [7, 200, 3, 4]
    assert read([], render) == []


def test_a_damaged_row_is_rendered_again_and_its_neighbours_are_not(own_cache):
    read([0, 1, 2], Renderer())
    (file,) = own_cache.iterdir()
    data = bytearray(file.read_bytes())
    data[16 + 9] ^= 1
    file.write_bytes(data[:-5])
    render = Renderer()
    assert read([0, 1, 2], render) == [0, 1, 2]
    assert render.asked == [1, 2]
    assert read([0, 1, 2], Renderer()) == [0, 1, 2]


def test_a_cache_that_cannot_be_written_costs_only_time(own_cache):
    own_cache.mkdir()
    (own_cache / "pictures.rows").mkdir()
    with pytest.warns(UserWarning, match="Cannot keep rendered pictures"):
        assert read([5], Renderer()) == [5]


@pytest.mark.parametrize("change", ["pixel", "zeros", "checksum", "old"])
def test_a_file_whose_pixels_changed_is_rendered_again(own_cache, change):
    images = np.arange(60, dtype=np.uint8).reshape(5, 3, 4)
    asked = []

    def read():
        found = cached("whole", (5, 3, 4), lambda: asked.append(1) or images.transpose(0, 1, 2))
        assert (found == images).all()

    read()
    (file,) = own_cache.iterdir()
    whole = file.read_bytes()
    pixels = slice(len(whole) - 64, len(whole) - 4)
    data = bytearray(whole)
    if change == "pixel":
        data[pixels.start + 7] ^= 1
    elif change == "zeros":
        data[pixels] = bytes(60)
    elif change == "checksum":
        data[-1] ^= 1
    else:  # as it was before there were checksums
        data = data[:-4]
    file.write_bytes(data)
    read()
    assert len(asked) == 2 and file.read_bytes() == whole
    read()
    assert len(asked) == 2


def test_pictures_in_any_order_of_memory_are_kept():
    images = np.arange(60, dtype=np.uint8).reshape(4, 3, 5).transpose(2, 1, 0)
    for render in (lambda: images, lambda: pytest.fail("rendered again")):
        assert (cached("turned", (5, 3, 4), render) == images).all()
