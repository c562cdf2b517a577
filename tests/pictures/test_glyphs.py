import numpy as np
import pytest
from matplotlib.ft2font import FT2Font
from PIL import Image

from invariance.errors import InputError
from invariance.pictures import glyphs


@pytest.fixture(scope="module")
def pictures():
    return glyphs._draw(np.arange(61), 32)


def test_there_are_61_classes_with_plain_names():
    assert len(glyphs.CLASSES) == len(set(glyphs.CLASSES)) == 61
    assert all(name.replace("_", "").isalpha() and name == name.lower() for name in glyphs.CLASSES)


def test_every_silhouette_is_in_the_font():
    font = FT2Font(str(glyphs.FONT))
    assert font.get_char_index(0x10FFFD) == 0  # unassigned for good
    assert [name for name, (code, *_) in glyphs.GLYPHS.items() if font.get_char_index(code) == 0] == []


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
    assert pictures.shape == (61, 4, 32, 32, 4) and pictures.dtype == np.uint8
    alpha = pictures[..., 3].reshape(61 * 4, -1)
    assert (alpha.min(1) == 0).all() and (alpha.max(1) == 255).all()
    assert ((alpha > 0) & (alpha < 255)).any(1).all()  # antialiased
    assert not pictures[pictures[..., 3] == 0].any()


def test_objects_fill_the_canvas_but_for_a_margin(pictures):
    solid = pictures[..., 3] > 127
    tall, wide = solid.any(3), solid.any(2)
    extents = [32 - side.argmax(-1) - side[..., ::-1].argmax(-1) for side in (tall, wide)]
    longest = np.maximum(*extents)
    assert longest.min() >= 28 and longest.max() <= 31


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
    chosen = np.arange(0, 61, 6)
    large, own = glyphs._draw(chosen, 64).astype(float), pictures[chosen].astype(float)
    small = (large[..., :3] * large[..., 3:] / 255).reshape(len(chosen), 4, 32, 2, 32, 2, 3).mean((3, 5))
    assert (np.abs(small - own[..., :3] * own[..., 3:] / 255).mean((1, 2, 3, 4)) < 8).all()


def test_rendered_pictures_are_kept_by_version_and_size(tmp_path, pictures, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    before = np.random.get_state()[1].copy()
    assert (glyphs.render(32) == pictures).all()
    assert (np.random.get_state()[1] == before).all()
    monkeypatch.setattr(glyphs, "_draw", lambda *_: pytest.fail("rendered again"))
    assert (glyphs.render(np.int64(32)) == pictures).all()
    assert [file.name for file in (tmp_path / "pictures").glob("*.rows")] == [f"glyphs-v{glyphs.VERSION}-32.rows"]


@pytest.mark.parametrize("size", [7, 1025, 32.0])
def test_a_useless_size_is_refused_with_the_range(size):
    with pytest.raises(InputError, match=r"size .* from 8 to 1024"):
        glyphs.render(size)
