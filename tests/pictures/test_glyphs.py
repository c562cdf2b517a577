import numpy as np
import pytest
from matplotlib.ft2font import FT2Font
from PIL import Image

from invariance.errors import InputError
from invariance.pictures import glyphs


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    return tmp_path / "pictures"


@pytest.fixture(scope="module")
def pictures():
    return glyphs._render_all(32)


def cached_file(folder):
    (file,) = folder.iterdir()
    return file


def test_there_are_61_classes_with_plain_names():
    assert len(glyphs.CLASSES) == len(set(glyphs.CLASSES)) == 61
    assert all(name.replace("_", "").isalpha() and name == name.lower() for name in glyphs.CLASSES)


def test_every_silhouette_is_in_the_font():
    font = FT2Font(str(glyphs.FONT))
    missing = glyphs.ink(0x10FFFD, 64)  # unassigned for good: the font shows its box for it
    assert font.get_char_index(0x10FFFD) == 0
    for name, (code, *_) in glyphs.GLYPHS.items():
        assert font.get_char_index(code) != 0, name
        assert np.abs(glyphs.ink(code, 64) - missing).mean() > 0.05, name


def test_silhouettes_differ_under_every_flip_and_quarter_turn():
    # At the 22 pixels an object gets on a 32-pixel picture; strokes only, as the font draws them.
    size = (22, 22)
    masks = [
        Image.fromarray(glyphs.ink(code, 88)).resize(size, Image.Resampling.BOX) for code, *_ in glyphs.GLYPHS.values()
    ]
    masks = np.array([np.asarray(mask) for mask in masks])
    views = [np.rot90(side, turns, (1, 2)) for side in (masks, masks[:, :, ::-1]) for turns in range(4)]
    flat, others = masks.reshape(61, -1), np.stack(views).reshape(8, 61, -1)
    both = np.minimum(flat[None, :, None], others[:, None]).sum(-1)
    overlap = both / np.maximum(flat[None, :, None], others[:, None]).sum(-1)
    overlap = overlap.max(0) - np.eye(61)
    first, second = np.unravel_index(overlap.argmax(), overlap.shape)
    assert overlap.max() < 0.75, (glyphs.CLASSES[first], glyphs.CLASSES[second])


def test_pictures_are_rgba_with_clear_and_solid_parts(pictures):
    assert pictures.shape == (61, 4, 32, 32, 4)
    assert pictures.dtype == np.uint8
    alpha = pictures[..., 3].reshape(61 * 4, -1)
    assert (alpha.min(1) == 0).all()
    assert (alpha.max(1) == 255).all()
    assert ((alpha > 0) & (alpha < 255)).any(1).all()  # antialiased
    assert not pictures[pictures[..., 3] == 0].any()


def test_objects_fill_the_canvas_but_for_a_margin(pictures):
    solid = pictures[..., 3] > 127
    tall, wide = solid.any(3), solid.any(2)
    extents = [32 - side.argmax(-1) - side[..., ::-1].argmax(-1) for side in (tall, wide)]
    longest = np.maximum(*extents)
    assert longest.min() >= 28
    assert longest.max() <= 31


def test_prototypes_of_a_class_differ_in_colour_and_a_little_in_shape(pictures):
    alpha = pictures[..., 3] > 127
    for name, masks, images in zip(glyphs.CLASSES, alpha, pictures, strict=True):
        colours = [image[mask][:, :3].mean(0) for image, mask in zip(images, masks, strict=True)]
        gaps = [np.abs(colours[a] - colours[b]).max() for a in range(4) for b in range(a)]
        assert min(gaps) > 8, name
        assert len({mask.tobytes() for mask in masks}) == 4, name
    shapes = alpha.reshape(61 * 4, -1).astype(float)
    both = shapes @ shapes.T
    overlap = both / (shapes.sum(1)[:, None] + shapes.sum(1) - both)
    overlap = overlap.reshape(61, 4, 61, 4).mean((1, 3))  # between any two classes, and within one
    assert (overlap.argmax(1) == np.arange(61)).all()


def test_a_larger_rendering_shows_the_same_object(pictures):
    for index in range(0, 61, 6):
        large = glyphs._shrink(glyphs._dress(index, 1, 128), 64).astype(float)
        small = (large[..., :3] * large[..., 3:] / 255).reshape(32, 2, 32, 2, 3).mean((1, 3))
        own = pictures[index, 1].astype(float)
        assert np.abs(small - own[..., :3] * own[..., 3:] / 255).mean() < 8, glyphs.CLASSES[index]


def test_rendering_is_deterministic_and_leaves_global_randomness_alone(pictures):
    before = np.random.get_state()[1].copy()
    assert (glyphs.render(32) == pictures).all()
    assert (np.random.get_state()[1] == before).all()


def test_second_call_reads_the_cache(own_cache, pictures, monkeypatch):
    monkeypatch.setattr(glyphs, "_render_all", lambda size: pictures)
    glyphs.render(32)
    monkeypatch.setattr(glyphs, "_render_all", lambda size: pytest.fail("rendered again"))
    assert (glyphs.render(np.int64(32)) == pictures).all()
    assert f"v{glyphs.VERSION}-32" in cached_file(own_cache).name


@pytest.mark.parametrize("damage", ["empty", "truncated", "text", "zip", "shape", "dtype"])
def test_a_damaged_cache_file_is_replaced(own_cache, damage, pictures, monkeypatch):
    monkeypatch.setattr(glyphs, "_render_all", lambda size: pictures)
    first = glyphs.render(32)
    file = cached_file(own_cache)
    whole = file.read_bytes()
    if damage == "shape":
        np.save(file, first[:, :, :4])
    elif damage == "dtype":
        np.save(file, first.astype(np.float32))
    else:
        ruins = {"empty": b"", "truncated": whole[:-100], "text": b"no picture" * 99, "zip": b"PK\x03\x04 no zip"}
        file.write_bytes(ruins[damage])
    assert (glyphs.render(32) == pictures).all()
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch, pictures):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(glyphs, "_render_all", lambda size: pictures)
    with pytest.warns(UserWarning, match="Cannot keep rendered pictures"):
        assert (glyphs.render(32) == pictures).all()


@pytest.mark.parametrize("size", [0, -3, 7, 1025, 32.0, "32", True, None])
def test_a_useless_size_is_refused_with_the_range(size, own_cache):
    with pytest.raises(InputError, match=r"size .* from 8 to 1024"):
        glyphs.render(size)
    assert not own_cache.exists()
