"""The folder source on the paper's own kind of pictures: a few real objects and backgrounds of SI-Score."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from invariance import pictures
from invariance.datasets import Split, Transforms2D

FOLDER = os.environ.get("SI_SCORE_DIR")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="SI_SCORE_DIR does not name a folder with SI-Score's foregrounds/ and backgrounds/"
)


def test_objects_are_read_by_class_with_their_masks():
    source = f"folder:{FOLDER}/foregrounds"
    objects = pictures.foregrounds(source, 32)
    assert objects.classes == tuple(sorted(path.name for path in Path(FOLDER, "foregrounds").iterdir()))
    assert objects.images.shape == (len(objects.classes), 4, 32, 32)
    for image, name in zip(objects.images, objects.classes, strict=True):
        alpha = image[3].float() / 255
        assert alpha.max() > 0.9, name
        assert 0.05 < alpha.mean() < 0.95, name
    picture = Image.open(next(Path(FOLDER, "foregrounds", "zebra").iterdir())).convert("RGBA")
    expected = np.asarray(picture.resize((32, 32), Image.Resampling.BILINEAR))
    assert np.array_equal(objects.images[objects.classes.index("zebra")].permute(1, 2, 0).numpy(), expected)


def test_backgrounds_are_the_top_left_square():
    found = pictures.backgrounds(f"folder:{FOLDER}/backgrounds", 32)
    files = sorted(Path(FOLDER, "backgrounds").iterdir())
    assert found.shape == (len(files), 3, 32, 32)
    image = Image.open(files[0]).convert("RGB")
    side = min(image.size)
    expected = np.asarray(image.crop((0, 0, side, side)).resize((32, 32), Image.Resampling.BILINEAR))
    assert np.array_equal(found[0].permute(1, 2, 0).numpy(), expected)


def test_a_whole_data_set_from_real_pictures():
    spec = Transforms2D(
        foregrounds=f"folder:{FOLDER}/foregrounds",
        backgrounds=f"folder:{FOLDER}/backgrounds",
        transforms=("rotate", "hue", "blur"),
    )
    images, labels = Split(spec.renderer(), 0, "train", 200).batch()
    assert images.shape == (200, 3, 32, 32)
    assert labels.unique().numel() == len(spec.class_names())
    assert torch.isfinite(images).all()
