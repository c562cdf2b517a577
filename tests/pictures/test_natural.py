"""A hundredth of a CIFAR in torchvision's layout, with noise for images and the checksums of that noise."""

import hashlib
import pickle

import numpy as np
import pytest
from torchvision import datasets

from invariance import pictures
from invariance.datasets import NaturalImages, Split
from invariance.datasets import natural as natural_module
from invariance.errors import InputError
from invariance.pictures import natural


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_DIR", str(tmp_path))
    monkeypatch.delenv("INVARIANCE_DOWNLOAD", raising=False)
    yield tmp_path
    natural._cifar.cache_clear()
    natural_module._pictures.cache_clear()
    natural_module._renderer.cache_clear()


@pytest.fixture
def files(own_folder, monkeypatch):
    monkeypatch.setattr(natural_module, "TRAIN", 500)
    monkeypatch.setattr(natural_module, "TEST", 100)
    folder = own_folder / datasets.CIFAR10.base_folder
    folder.mkdir()

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        return name, hashlib.md5((folder / name).read_bytes()).hexdigest()

    def batch(name, seed):
        pixels = np.random.default_rng(seed).integers(0, 255, (100, 3072), np.uint8)
        return write(name, {"data": pixels, "labels": [(seed + k) % 10 for k in range(100)]})

    monkeypatch.setattr(datasets.CIFAR10, "train_list", [batch(f"data_batch_{k}", k) for k in range(1, 6)])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [batch("test_batch", 6)])
    name, checksum = write("batches.meta", {"label_names": list(natural.CLASSES["cifar10"])})
    monkeypatch.setattr(datasets.CIFAR10, "meta", {"filename": name, "key": "label_names", "md5": checksum})
    return folder


def test_images_and_labels_come_from_the_files_training_ones_first(files):
    images = pictures.natural_images("cifar10", np.array([0, 100, 500]))
    for image, seed in zip(images, (1, 2, 6), strict=True):
        first = np.random.default_rng(seed).integers(0, 255, (100, 3072), np.uint8)[0]
        assert (image.transpose(2, 0, 1).ravel() == first).all()
    assert pictures.natural_labels("cifar10")[[0, 1, 100, 500]].tolist() == [1, 2, 2, 6]
    assert pictures.natural_classes("cifar10") == tuple(datasets.CIFAR10(files.parent).classes)


def test_a_split_holds_the_pixels_and_the_labels_of_its_rows(files):
    source = NaturalImages(source="cifar10", classes=("truck", "cat")).renderer()
    split = Split(source, 0, "test", 20)
    images, labels = split.batch()
    rows = source.rows(split.keys())
    known = pictures.natural_labels("cifar10")
    assert sorted(rows.tolist()) == [row for row in range(500, 600) if known[row] in (3, 9)]
    assert labels.tolist() == [0 if k == 9 else 1 for k in known[rows.numpy()]]
    expected = pictures.natural_images("cifar10", rows[:1].numpy())[0].transpose(2, 0, 1)
    assert (images[0].mul(255).round().numpy() == expected).all()
    train = pictures.natural_images("cifar10", np.arange(500)) / 255
    mean, std = source.pictures.statistics
    np.testing.assert_allclose(mean.flatten(), train.mean((0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(std.flatten(), train.std((0, 1, 2)), atol=1e-4)


def test_a_wrong_checksum_is_found_before_anything_is_unpickled(files, monkeypatch):
    with open(files / "data_batch_3", "ab") as file:
        file.write(b".")
    monkeypatch.setattr(pickle, "load", lambda *_, **__: pytest.fail("unpickled"))
    with pytest.raises(
        InputError, match=rf"cifar10 .* is damaged: delete {files} and .*download\('cifar10'\)"
    ) as error:
        pictures.natural_labels("cifar10")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("source", ["cifar10", "cifar100"])
def test_what_is_missing_is_named_with_the_command_that_gets_it(source, monkeypatch):
    monkeypatch.setattr(f"torchvision.datasets.{source.upper()}.download", lambda _: pytest.fail("downloaded"))
    with pytest.raises(InputError, match=rf"{source} in .* is missing: set CIFAR_DIR .*download\('{source}'\)"):
        NaturalImages(source=source).renderer()
    assert len(NaturalImages(source=source).class_names()) == int(source[5:])  # known without the files


def test_a_download_happens_only_when_asked_for_and_its_failure_is_one_line(monkeypatch):
    def fail(self):
        raise RuntimeError("File not found or corrupted.\nmore")

    monkeypatch.setattr(datasets.CIFAR10, "download", fail)
    monkeypatch.setenv("INVARIANCE_DOWNLOAD", "1")
    for call in (lambda: pictures.download("cifar10"), lambda: pictures.natural_labels("cifar10")):
        with pytest.raises(InputError, match=r"Cannot download cifar10 to .*: File not found or corrupted") as error:
            call()
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="Unknown data set to download 'mnist'"):
        pictures.download("mnist")
