"""The Hub is a dictionary of files here, and its library one that copies them."""

import io
import json
import sys
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from invariance import pictures
from invariance.datasets import Split, Transforms2D
from invariance.errors import InputError
from invariance.pictures import hub

OLD, NEW = "0123456789abcdef" * 2 + "01234567", "f" * 40
FOREGROUNDS, BACKGROUNDS = (f"{name}/train-00000-of-00001.parquet" for name in ("foregrounds", "backgrounds"))


def png(colour, size=(50, 40)):
    file = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": "a.png"}


def parquet(rows, names=None):
    table = pa.Table.from_pylist(rows)
    if names:
        features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


RED, BLUE, GREEN = (255, 0, 0, 255), (0, 0, 255, 128), (0, 255, 0)
OBJECTS = [{"image": png(RED), "label": 1}, {"image": png(BLUE), "label": 0}, {"image": png(BLUE), "label": 1}]
FILES = {FOREGROUNDS: parquet(OBJECTS, ["sea", "fire"]), BACKGROUNDS: parquet([{"image": png(GREEN)}])}


@pytest.fixture(autouse=True)
def remote(tmp_path, monkeypatch):
    """What the Hub holds, and whether it can be reached."""
    remote = SimpleNamespace(files=dict(FILES), head=OLD, online=True, asked=0)

    def reach():
        remote.asked += 1
        if not remote.online:
            raise ConnectionError("no route")

    class HfApi:
        def dataset_info(self, repository, revision):
            reach()
            return SimpleNamespace(sha=remote.head)

        def list_repo_files(self, repository, repo_type, revision):
            reach()
            return ["README.md", *remote.files]

    def hf_hub_download(repository, name, repo_type, revision, cache_dir):
        reach()
        path = cache_dir / repository / (remote.came if hasattr(remote, "came") else revision) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(remote.files[name])
        return str(path)

    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "_library", lambda: SimpleNamespace(HfApi=HfApi, hf_hub_download=hf_hub_download))
    hub._labels.cache_clear()
    return remote


def test_objects_come_with_the_names_of_their_classes():
    objects = pictures.foregrounds("hub:o/n", 16)
    assert pictures.class_names("hub:o/n") == objects.classes == ("sea", "fire")
    assert objects.count.tolist() == [1, 1]
    assert objects.images[:, :, 8, 8].tolist() == [list(BLUE), list(RED)]
    assert pictures.foregrounds("hub:o/n", 16, prototypes=5).count.tolist() == [1, 2]
    assert pictures.foregrounds("hub:o/n", 16, classes=["fire"]).images[0, :, 8, 8].tolist() == list(RED)


def test_it_makes_a_data_set():
    source = Transforms2D(foregrounds="hub:o/n", backgrounds="hub:o/n").renderer()
    images, labels = Split(source, 0, "train", 20).batch()
    torch.testing.assert_close(images[:, :, 0, 0], torch.tensor(GREEN).float().expand(20, 3) / 255)
    torch.testing.assert_close(images[labels == 1][:, :, 16, 16].mean(0), torch.tensor([1.0, 0.0, 0.0]))


def test_labels_without_names_are_classes_too(remote):
    remote.files[FOREGROUNDS] = parquet([{"image": png(RED), "label": n} for n in ("b", "a", "b")])
    assert pictures.foregrounds("hub:o/n", 16, prototypes=3).classes == ("a", "b")
    remote.files[FOREGROUNDS] = parquet([{"image": png(RED), "label": n} for n in (10, 2)])
    assert pictures.class_names("hub:o/numbers") == ("2", "10")


def test_a_revision_is_looked_up_once_and_used_from_then_on(remote):
    assert pictures.fingerprint("hub:o/n") == OLD
    remote.head = NEW
    assert pictures.fingerprint("hub:o/n") == OLD
    assert pictures.fingerprint("hub:o/n@main") == OLD
    assert pictures.fingerprint("hub:o/n@refs/convert/parquet") == NEW
    assert pictures.class_names("hub:o/n") == ("sea", "fire")
    assert all(OLD in file for file in hub._files("hub:o/n", "foregrounds"))


def test_a_commit_is_used_as_it_is(remote):
    assert pictures.fingerprint(f"hub:o/n@{NEW}") == NEW
    assert remote.asked == 0
    assert all(NEW in file for file in hub._files(f"hub:o/n@{NEW}", "backgrounds"))


def test_what_was_downloaded_is_used_without_a_network(remote):
    before = pictures.foregrounds("hub:o/n", 16).images, pictures.backgrounds("hub:o/n", 16)
    remote.online, remote.asked = False, 0
    after = pictures.foregrounds("hub:o/n", 16).images, pictures.backgrounds("hub:o/n", 16)
    assert all(map(torch.equal, before, after))
    assert remote.asked == 0
    with pytest.raises(InputError, match=r"o/other at main is not in the cache, and the Hub cannot be reached"):
        pictures.class_names("hub:o/other")


def changed(remote, **what):
    for name, value in what.items():
        setattr(remote, name, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"files": {}}, r"has no foregrounds/train\*\.parquet: it needs the configurations"),
        ({"came": NEW}, "the revision does not match"),
        ({"files": {FOREGROUNDS: parquet([{"image": png(RED)}])}}, "has no column 'label'; its columns are image"),
        ({"files": {FOREGROUNDS: parquet([{"label": 1}], ["a", "b"])}}, "has no column 'image'; its columns are label"),
        (
            {"files": {FOREGROUNDS: parquet([{"image": {"bytes": None, "path": "x"}, "label": 0}], ["a"])}},
            "Row 0 .* has no image in it",
        ),
        ({"files": {FOREGROUNDS: parquet([{"image": png(RED), "label": 2}], ["a"])}}, "Row 0 .* the unknown class 2"),
        ({"files": {FOREGROUNDS: parquet(OBJECTS[:1], ["a", "b"])}}, "Class 'a' has no prototype in hub:o/n"),
        ({"files": {FOREGROUNDS: parquet(OBJECTS).replace(b"PAR1", b"RAP1")}}, r"Cannot read .*\.parquet"),
        (
            {"files": {FOREGROUNDS: parquet([{"image": {"bytes": b"GIF89a", "path": ""}, "label": 0}], ["a"])}},
            "Cannot read the image in row 0 of",
        ),
    ],
)
def test_a_data_set_that_does_not_fit_is_refused_in_one_line(remote, change, message):
    changed(remote, **change)
    with pytest.raises(InputError, match=message) as error:
        pictures.foregrounds("hub:o/n", 16)
    assert "\n" not in str(error.value)


def test_unknown_names_are_told_from_a_missing_network(remote, monkeypatch):
    class RevisionNotFoundError(Exception): ...

    def missing(*_, **__):
        raise RevisionNotFoundError("404\nlong story")

    monkeypatch.setattr(hub, "_library", lambda: SimpleNamespace(HfApi=lambda: SimpleNamespace(dataset_info=missing)))
    with pytest.raises(InputError, match="no data set o/n with the revision v9") as error:
        pictures.fingerprint("hub:o/n@v9")
    assert "\n" not in str(error.value)


def test_a_file_that_changed_since_its_download_is_named():
    (file,) = hub._files("hub:o/n", "foregrounds")
    with open(file, "ab") as handle:
        handle.write(b"more")
    with pytest.raises(InputError, match=r"foregrounds.*\.parquet is missing or changed"):
        pictures.class_names("hub:o/n")


def test_the_library_is_optional(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install -e '\.\[hub\]'"):
        hub._library()


@pytest.mark.parametrize("source", ["hub:", "hub:name", "hub:o/n@", "hub:o/n/m", "hub:o n/m"])
def test_a_source_that_names_no_data_set_says_how_to_write_it(source):
    with pytest.raises(InputError, match="write hub:OWNER/NAME"):
        Transforms2D(foregrounds=source)


def note(ending):
    pictures.class_names("hub:o/n")
    (found,) = (path for path in (hub.cache_dir() / "hub").iterdir() if path.name.endswith(ending))
    hub._labels.cache_clear()
    return found


@pytest.mark.parametrize("content", [b"[]", b"5", b"{}", b'"x"', b"null", b"{", b"\xff\xfe\x00", b""])
def test_a_damaged_note_of_the_files_is_named(content):
    file = note("foregrounds.json")
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"foregrounds\.json is damaged\. Delete it"):
        pictures.class_names("hub:o/n")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"main"])
def test_a_damaged_note_of_the_commit_is_named(content):
    file = note(".commit")
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"\.commit holds no commit\. Delete it"):
        pictures.class_names("hub:o/n")


@pytest.mark.parametrize("labels", [[0, None], [1, -1], [0.0, float("nan")], ["a", ""], [[1], [2]]])
def test_a_label_that_names_no_class_is_refused(remote, labels):
    remote.files[FOREGROUNDS] = parquet([{"image": png(RED), "label": label} for label in labels])
    with pytest.raises(InputError, match=r"Row [01] of .* has the label .*: it must be a number from 0, or a name"):
        pictures.class_names("hub:o/n")


def test_a_cache_that_cannot_be_written_is_found_before_the_download(remote, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / "file"))
    for source in ("hub:o/n", f"hub:o/n@{NEW}"):
        with pytest.raises(InputError, match=r"Cannot use the cache .*: set INVARIANCE_CACHE"):
            pictures.class_names(source)
    assert remote.asked == 0
