import numpy as np
import pytest

from invariance.assets.cache import cached_rows


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    return tmp_path / "assets"


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
