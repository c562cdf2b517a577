import numpy as np
import pytest

from invariance.pictures.cache import cached


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
    return cached("pictures", (3, 4), np.array(rows, int), render)[:, 0, 0].tolist()


def test_only_the_rows_that_are_missing_are_rendered():
    render = Renderer()
    assert read([7, 200, 3], render) == [7, 200, 3]
    assert read([3, 4, 7], render) == [3, 4, 7]
    assert render.asked == [7, 200, 3, 4]
    assert read([], render) == []


def test_a_damaged_row_is_rendered_again_and_its_neighbours_are_not(own_cache):
    read([0, 1, 2, 3], Renderer())
    (file,) = own_cache.glob("*.rows")
    whole = file.read_bytes()
    data = bytearray(whole)
    data[16 + 9] ^= 1  # a pixel of row 1
    data[32] ^= 1  # the checksum of row 2
    file.write_bytes(data[:-5])  # the end of row 3
    render = Renderer()
    assert read([0, 1, 2, 3], render) == [0, 1, 2, 3]
    assert render.asked == [1, 2, 3] and file.read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"no picture" * 99, bytes(64)])
def test_a_file_of_anything_else_is_replaced(own_cache, content):
    own_cache.mkdir()
    (own_cache / "pictures.rows").write_bytes(content)
    for render, asked in ((Renderer(), [2, 0]), (Renderer(), [])):
        assert read([2, 0], render) == [2, 0]
        assert render.asked == asked


@pytest.mark.parametrize("place", ["pictures", "pictures/pictures.rows"])
def test_a_cache_that_cannot_be_written_costs_only_time(own_cache, place):
    if place == "pictures":
        own_cache.write_text("not a folder")
    else:
        (own_cache / "pictures.rows").mkdir(parents=True)
    with pytest.warns(UserWarning, match="Cannot keep rendered pictures"):
        assert read([5], Renderer()) == [5]


def test_pictures_in_any_order_of_memory_are_kept():
    images = np.arange(60, dtype=np.uint8).reshape(4, 3, 5).transpose(2, 1, 0)
    for render in (lambda rows: images[rows], lambda rows: pytest.fail("rendered again")):
        assert (cached("turned", (3, 4), np.arange(5), render) == images).all()
