import numpy as np
import pytest

from invariance.errors import InputError
from invariance.pictures import scenes


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    return tmp_path / "pictures"


@pytest.fixture(scope="module")
def two_hundred():
    return scenes.render(np.arange(200))


def test_ten_types_of_ten_variants_with_unique_names():
    assert len(scenes.TYPES) == len(set(scenes.TYPES)) == len(scenes.PAINTERS) == 10
    assert [painter.__name__ for painter in scenes.PAINTERS] == [f"_{kind}" for kind in scenes.TYPES]
    assert len(set(scenes.VARIANTS)) == 100
    assert [name.split("/")[0] for name in scenes.VARIANTS[::10]] == list(scenes.TYPES)


def test_labels_are_exactly_balanced_and_agree():
    indices = np.arange(300, 500)
    coarse, fine = scenes.labels(indices), scenes.labels(indices, fine=True)
    assert coarse.dtype == fine.dtype == np.int64
    assert (np.bincount(coarse) == 20).all()
    assert (np.bincount(fine, minlength=100) == 2).all()
    assert (fine // 10 == coarse).all()


def test_pictures_are_rgb_bytes_and_all_different(two_hundred):
    assert two_hundred.shape == (200, 32, 32, 3)
    assert two_hundred.dtype == np.uint8
    assert len({picture.tobytes() for picture in two_hundred}) == 200
    assert two_hundred.reshape(200, -1).std(1).min() > 4  # none is blank


def test_a_scene_is_the_same_bits_in_any_batch(two_hundred, monkeypatch):
    rng = np.random.default_rng(1)
    for count in (2, 13, 90):
        chosen = rng.integers(0, 200, count)
        assert (scenes.render(chosen.tolist()) == two_hundred[chosen]).all()
    alone = np.concatenate([scenes.render([index]) for index in range(0, 200, 9)])
    assert (alone == two_hundred[::9]).all()
    monkeypatch.setattr(scenes, "PIXELS_PER_CHUNK", 7 * 32 * 32)
    assert (scenes.render(np.arange(200)) == two_hundred).all()


def test_seed_and_index_change_the_picture(two_hundred):
    other = scenes.render(np.arange(100), seed=1)
    assert (np.abs(other - two_hundred[:100].astype(float)).mean((1, 2, 3)) > 1).all()
    same_variant = np.abs(two_hundred[:100].astype(float) - two_hundred[100:]).mean((1, 2, 3))
    assert same_variant.min() > 1


def test_large_indices_and_seeds_are_accepted():
    assert scenes.render([2**62], seed=2**63 - 1).shape == (1, 32, 32, 3)


def test_the_same_scene_at_another_size(two_hundred):
    large = scenes.render(np.arange(100), size=96).astype(float)
    small = large.reshape(100, 32, 3, 32, 3, 3).mean((2, 4))
    own = np.abs(small - two_hundred[:100]).mean((1, 2, 3))
    assert own.max() < 16
    assert own.mean() < 4


def test_types_can_be_learned_but_not_from_colour_alone():
    indices = np.arange(900)
    pictures, kinds = scenes.render(indices, size=16) / 255.0, scenes.labels(indices)

    def nearest(features):
        train, test = features[:700].reshape(700, -1), features[700:].reshape(200, -1)
        distance = (test**2).sum(1)[:, None] + (train**2).sum(1) - 2 * test @ train.T
        return (kinds[:700][distance.argmin(1)] == kinds[700:]).mean()

    assert nearest(pictures) > 0.5
    assert 0.2 < nearest(pictures.mean((1, 2))) < 0.8


def test_varied_scenes_are_other_pictures_of_the_same_labels_and_the_same_bits_in_any_batch(two_hundred, monkeypatch):
    whole = scenes.render(np.arange(100), varied=True)
    assert whole.shape == (100, 32, 32, 3) and whole.dtype == np.uint8
    assert (np.abs(whole - two_hundred[:100].astype(float)).mean((1, 2, 3)) > 4).all()
    chosen = np.random.default_rng(2).integers(0, 100, 23)
    assert (scenes.render(chosen, varied=True) == whole[chosen]).all()
    assert (scenes.render([17], varied=True) == whole[17]).all()
    monkeypatch.setattr(scenes, "PIXELS_PER_CHUNK", 7 * 32 * 32)
    assert (scenes.render(np.arange(100), varied=True) == whole).all()


def test_varied_scenes_are_harder_than_plain_ones_and_still_learnable():
    indices = np.arange(1500)

    def accuracy(pictures):  # of least squares on pixels
        pixels = np.c_[pictures.reshape(len(pictures), -1) / 255 - 0.5, np.ones(len(pictures))]
        kinds = np.eye(10)[scenes.labels(indices)]
        train, test = pixels[:1000], pixels[1000:]
        weights = train.T @ np.linalg.solve(train @ train.T + 300 * np.eye(1000), kinds[:1000])
        return ((test @ weights).argmax(1) == scenes.labels(indices[1000:])).mean()

    plain, varied = (accuracy(scenes.render(indices, 16, seed=1, varied=varied)) for varied in (False, True))
    assert plain - varied > 0.15
    assert varied > 0.25


def test_global_randomness_is_left_alone():
    before = np.random.get_state()[1].copy()
    scenes.render(np.arange(10))
    assert (np.random.get_state()[1] == before).all()


def test_backgrounds_are_the_first_scenes_and_kept(own_cache, two_hundred, monkeypatch):
    assert (scenes.backgrounds(40) == two_hundred[:40]).all()
    assert [file.name for file in own_cache.glob("*.rows")] == [f"scenes-v{scenes.VERSION}-32.rows"]
    monkeypatch.setattr(scenes, "render", lambda *_: pytest.fail("rendered again"))
    assert (scenes.backgrounds(30) == two_hundred[:30]).all()


def test_useless_input_is_refused():
    with pytest.raises(InputError, match=r"Scene size 2000 .* from 4 to 1024"):
        scenes.render([0], size=2000)
    with pytest.raises(TypeError, match="Cannot cast"):
        scenes.render([0.5])
