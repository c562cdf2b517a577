import gc
import io
import os
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from invariance import pictures
from invariance.errors import InputError
from invariance.pictures import reading


@pytest.fixture
def objects(tmp_path):
    """A folder source with one class, `thing`."""
    (tmp_path / "objects" / "thing").mkdir(parents=True)
    return tmp_path / "objects"


def png_claiming(width, height):
    """A PNG of a few bytes whose header says that it is huge."""

    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 6, 0, 0, 0])
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [8000, 20_000])  # above our limit, and above Pillow's own
def test_a_decompression_bomb_is_refused_before_it_is_decoded(objects, side):
    (objects / "thing" / "bomb.png").write_bytes(png_claiming(side, side))
    with pytest.raises(InputError, match=r"bomb\.png.*(pixels, above the limit of 50,000,000|exceeds limit)") as error:
        pictures.foregrounds(f"folder:{objects}", 32)
    assert "\n" not in str(error.value)


def test_a_large_picture_within_the_limit_is_read_without_a_warning(objects, recwarn, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    Image.new("RGBA", (8, 8), (1, 2, 3, 255)).save(objects / "thing" / "a.png")
    assert pictures.foregrounds(f"folder:{objects}", 8).images[0, :, 4, 4].tolist() == [1, 2, 3, 255]
    assert not recwarn


def tiff():
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "TIFF")
    return file.getvalue()


@pytest.mark.parametrize("name", ["cut.png", "cut.jpg", "tiff.png"])
def test_a_file_that_cannot_be_decoded_is_named(objects, name):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(objects / "thing" / name)
    whole = (objects / "thing" / name).read_bytes()
    (objects / "thing" / name).write_bytes(tiff() if name == "tiff.png" else whole[: len(whole) // 2])
    with pytest.raises(InputError, match=rf"Cannot read the image .*{name}.*Replace or remove the file"):
        pictures.foregrounds(f"folder:{objects}", 32)


def test_a_picture_without_alpha_is_opaque_and_says_so(objects):
    Image.new("L", (30, 30), 90).save(objects / "thing" / "a.png")
    with pytest.warns(UserWarning, match=r"a\.png has no alpha channel: used as an opaque square"):
        assert pictures.foregrounds(f"folder:{objects}", 8).images[0, :, 4, 4].tolist() == [90, 90, 90, 255]


def test_oblong_objects_are_squeezed_and_oblong_backgrounds_cropped(objects):
    halves = Image.new("RGBA", (80, 40), (255, 0, 0, 255))
    halves.paste((0, 0, 255, 255), (40, 0, 80, 40))
    halves.save(objects / "thing" / "a.png")
    squeezed = pictures.foregrounds(f"folder:{objects}", 8).images[0]
    assert squeezed[:3, 4, 1].tolist() == [255, 0, 0]
    assert squeezed[:3, 4, 6].tolist() == [0, 0, 255]
    cropped = pictures.backgrounds(f"folder:{objects / 'thing'}", 8)[0]
    assert (cropped[0] == 255).all()  # the top-left square is the red half


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright_before_anything_else(tmp_path, orientation):
    # How a camera that is held the way `orientation` says stores an upright picture whose left quarter is red.
    upright = Image.new("RGB", (64, 32), (0, 0, 255))
    upright.paste((255, 0, 0), (0, 0, 16, 32))
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # to Pillow's numbers of the inverse of each
    stored = upright.transpose(Image.Transpose(turn[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "thing").mkdir()
    stored.save(tmp_path / "thing" / "a.jpg", exif=exif, quality=95, subsampling=0)
    cropped = pictures.backgrounds(f"folder:{tmp_path / 'thing'}", 8)[0]
    with pytest.warns(UserWarning, match="no alpha channel"):
        squeezed = pictures.foregrounds(f"folder:{tmp_path}", 8).images[0]
    photo = torch.from_numpy(reading.read_photo(tmp_path / "thing" / "a.jpg", 8).copy()).permute(2, 0, 1)
    assert (cropped[0] > 128).all(0).tolist() == [True] * 4 + [False] * 4  # the left square is half red
    assert (squeezed[0] > 128).all(0).tolist() == [True] * 2 + [False] * 6
    assert not (photo[0] > 128).any()  # the central square is blue


def test_broken_exif_data_do_not_lose_the_picture(tmp_path):
    Image.new("RGB", (20, 20), (1, 2, 3)).save(tmp_path / "a.png", exif=b"Exif\0\0no such thing")
    assert (reading.read_background(tmp_path / "a.png", 8) == (1, 2, 3)).all()


@pytest.mark.parametrize("value", [0, 0x8000, 0xFFFF])
def test_16_bit_greys_keep_their_brightness(tmp_path, value):
    Image.fromarray(np.full((20, 20), value, np.uint16)).save(tmp_path / "grey.png")
    assert (reading.read_background(tmp_path / "grey.png", 8) == value >> 8).all()


def test_a_fingerprint_follows_the_content_of_a_folder(objects, tmp_path):
    source = f"folder:{objects}"
    Image.new("RGBA", (8, 8), (1, 2, 3, 255)).save(objects / "thing" / "a.png")
    first = pictures.fingerprint(source)
    assert len(first) == 32 and pictures.fingerprint(source) == first
    (objects / "notes.txt").write_text("not a picture")
    assert pictures.fingerprint(source) == first
    data = (objects / "thing" / "a.png").read_bytes()
    (tmp_path / "copy" / "thing").mkdir(parents=True)
    (tmp_path / "copy" / "thing" / "a.png").write_bytes(data)
    assert pictures.fingerprint(f"folder:{tmp_path / 'copy'}") == first
    (objects / "thing" / "a.png").write_bytes(data[:-1] + b"!")
    assert pictures.fingerprint(source) != first
    (tmp_path / "copy" / "thing" / "a.png").rename(tmp_path / "copy" / "thing" / "b.png")
    assert pictures.fingerprint(f"folder:{tmp_path / 'copy'}") != first
    assert pictures.fingerprint("glyphs") == pictures.fingerprint("scenes10") == ""


def test_backgrounds_that_change_are_read_again(tmp_path):
    (tmp_path / "b").mkdir()
    for colour in ((9, 9, 9), (77, 77, 77)):
        Image.new("RGB", (20, 20), colour).save(tmp_path / "b" / "a.png")
        for _ in range(2):  # the second from the cache
            assert (pictures.backgrounds(f"folder:{tmp_path / 'b'}", 8) == colour[0]).all()


def test_natural_images_serve_as_backgrounds_at_their_own_size(monkeypatch):
    monkeypatch.setattr("invariance.pictures.sources.NATURAL_BACKGROUNDS", 12)
    found = pictures.backgrounds("scenes10", 32)
    assert (found.permute(0, 2, 3, 1).numpy() == pictures.natural_images("scenes10", np.arange(12))).all()
    with pytest.raises(InputError, match="scenes10 has images of 32 pixels a side, not 64"):
        pictures.backgrounds("scenes10", 64)


def test_a_uniform_background_has_its_colour():
    assert pictures.backgrounds("colour:ff8000", 8)[0, :, 3, 5].tolist() == [255, 128, 0]
    assert (pictures.backgrounds("black", 8) == 0).all()
    for call in (lambda: pictures.backgrounds("colour:red", 8), lambda: pictures.foregrounds("colour:ff8000", 8)):
        with pytest.raises(InputError, match="Unknown asset source 'colour:"):
            call()


@pytest.mark.parametrize("kind", ["whole", "truncated", "animated"])
def test_no_file_stays_open(tmp_path, kind):
    rng = np.random.default_rng(0)
    first, other = (Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)) for _ in range(2))
    first.save(tmp_path / "a.png", save_all=True, append_images=[other] * (kind == "animated"))
    if kind == "truncated":
        (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:2000])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for read in (reading.read_background, reading.read_photo):
            with suppress(InputError):
                assert (read(tmp_path / "a.png", 40) == np.asarray(first)).all()
        gc.collect()
    assert [str(warning.message) for warning in seen] == []


def fill(path, kind):
    """Something at `path` that has a picture's name and is none."""
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to({"loop": path, "dangling": path.parent / "nothing", "device": "/dev/zero"}[kind])


@pytest.mark.parametrize("kind", ["folder", "loop", "dangling", "pipe", "device"])
def test_an_entry_that_is_no_picture_is_named(tmp_path, kind):
    (tmp_path / "thing").mkdir()
    Image.new("RGBA", (8, 8)).save(tmp_path / "thing" / "b.png")
    fill(tmp_path / "thing" / "a.png", kind)
    calls = [
        lambda: pictures.backgrounds(f"folder:{tmp_path / 'thing'}", 8),
        lambda: pictures.foregrounds(f"folder:{tmp_path}", 8),
        lambda: reading.read_photo(tmp_path / "thing" / "a.png", 8),
    ]
    if kind != "folder":  # which has no content of its own
        calls.append(lambda: pictures.fingerprint(f"folder:{tmp_path}"))
    for call in calls:
        with pytest.raises(InputError, match=r"Cannot read the image .*a\.png.*[Rr]eplace or remove"):
            call()


def test_hidden_files_are_no_pictures(tmp_path):
    source, place = f"folder:{tmp_path}", tmp_path / "thing"
    place.mkdir()
    Image.new("RGBA", (8, 8), (1, 2, 3, 255)).save(place / "ok.png")
    found = pictures.fingerprint(source), pictures.fingerprint(f"{source}/thing")
    (place / "._ok.png").write_bytes(b"AppleDouble")
    (tmp_path / ".trash").mkdir()
    (tmp_path / ".trash" / "a.png").write_bytes(b"gone")
    assert pictures.foregrounds(source, 8, prototypes=5).count.tolist() == [1]
    assert len(pictures.backgrounds(f"{source}/thing", 8)) == 1
    assert (pictures.fingerprint(source), pictures.fingerprint(f"{source}/thing")) == found


def test_a_folder_that_may_not_be_listed_is_named(tmp_path, monkeypatch):
    def forbidden(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", forbidden)
    for call in (pictures.class_names, lambda source: pictures.backgrounds(source, 8)):
        with pytest.raises(InputError, match=r"Cannot list the folder .*: Permission denied"):
            call(f"folder:{tmp_path}")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_pictures_that_may_not_be_read_are_named(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(InputError, match=r"Cannot read the image .*a\.png: Permission denied"):
        pictures.backgrounds(f"folder:{tmp_path}", 8)


@pytest.mark.parametrize("name", ["~nobody-here/x", "a" * 5000, "a\0b"])
def test_a_folder_with_an_impossible_name_is_not_there(name):
    with pytest.raises(InputError, match="No folder"):
        pictures.backgrounds(f"folder:{name}", 8)
