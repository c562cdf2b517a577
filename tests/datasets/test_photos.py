import pytest
from PIL import Image

from invariance.datasets.photos import photo_files
from invariance.errors import InputError


def test_hidden_files_are_no_photos(tmp_path):
    for name in "abcd":
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
        (tmp_path / f"._{name}.png").write_bytes(b"AppleDouble")
    assert [file.name for file in photo_files(tmp_path)] == ["a.png", "b.png", "c.png", "d.png"]


@pytest.mark.parametrize("folder", ["~nobody-here/x", "a" * 5000])
def test_a_folder_with_an_impossible_name_is_not_there(folder):
    with pytest.raises(InputError, match="No folder"):
        photo_files(folder)
