"""The Hub is a server on this machine, of a dictionary of files for each commit; its own library talks to it."""

import hashlib
import io
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from huggingface_hub import constants
from PIL import Image

from invariance import pictures
from invariance.datasets import Split, Transforms2D
from invariance.errors import InputError
from invariance.pictures import hub

OLD, NEW = "0123456789abcdef" * 2 + "01234567", "f" * 40
FOREGROUNDS, BACKGROUNDS = (f"{name}/train-00000-of-00001.parquet" for name in ("foregrounds", "backgrounds"))
RED, BLUE, GREEN = (255, 0, 0, 255), (0, 0, 255, 128), (0, 255, 0)


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


def labelled(*labels, names=None):
    return parquet([{"image": png(RED), "label": label} for label in labels], names)


OBJECTS = [{"image": png(RED), "label": 1}, {"image": png(BLUE), "label": 0}, {"image": png(BLUE), "label": 1}]
FILES = {
    "README.md": b"",
    FOREGROUNDS: parquet(OBJECTS, ["sea", "fire"]),
    BACKGROUNDS: parquet([{"image": png(GREEN)}]),
}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        remote = self.server.remote
        remote.asked += 1
        asked = re.match(r"(?:/api)?/datasets/o/n/(revision|tree|resolve)/([^/?]+)/?([^?]*)", self.path)
        if not asked:
            return self.reply(404, b"", {"X-Error-Code": "RepoNotFound"})
        kind, name, file = asked.groups()
        commit = remote.refs.get(name.replace("%2F", "/"), name)
        files = remote.commits.get(commit)
        if files is None:
            return self.reply(404, b"", {"X-Error-Code": "RevisionNotFound"})
        checksums = {path: hashlib.sha1(data).hexdigest() for path, data in files.items()}
        if kind == "resolve":
            return self.reply(200, files[file], {"ETag": f'"{checksums[file]}"', "X-Repo-Commit": commit})
        tree = [{"type": "file", "path": path, "size": len(files[path]), "oid": checksums[path]} for path in files]
        answer = tree if kind == "tree" else {"id": "o/n", "sha": commit, "siblings": []}
        return self.reply(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    do_HEAD = do_GET

    def reply(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture(autouse=True)
def remote(tmp_path, monkeypatch):
    """What the Hub holds, how often it was asked, and how to take it off the network."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"

    def leave():
        server.shutdown()
        server.server_close()

    remote = SimpleNamespace(commits={OLD: dict(FILES)}, refs={"main": OLD}, asked=0, leave=leave)
    remote.files = remote.commits[OLD]
    server.remote = remote
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield remote
    leave()


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


@pytest.mark.parametrize(("labels", "classes"), [(["b", "a", "b"], ("a", "b")), ([10, 2], ("2", "10"))])
def test_labels_without_names_are_classes_too(remote, labels, classes):
    remote.files[FOREGROUNDS] = labelled(*labels)
    assert pictures.class_names("hub:o/n") == classes


def test_a_revision_is_looked_up_once_and_used_from_then_on(remote):
    assert pictures.fingerprint("hub:o/n") == OLD
    remote.commits[NEW] = {**FILES, FOREGROUNDS: labelled("new")}
    remote.refs = {"main": NEW, "refs/convert/parquet": NEW}
    assert pictures.fingerprint("hub:o/n") == pictures.fingerprint("hub:o/n@main") == OLD
    assert pictures.class_names("hub:o/n") == ("sea", "fire")
    assert pictures.fingerprint("hub:o/n@refs/convert/parquet") == NEW
    assert pictures.class_names("hub:o/n@refs/convert/parquet") == ("new",)


def test_runs_pinned_to_a_commit_agree_without_a_network_whatever_else_was_downloaded(remote):
    remote.commits[NEW] = {**FILES, FOREGROUNDS: labelled("new")}
    assert pictures.fingerprint(f"hub:o/n@{NEW}") == NEW and remote.asked == 0
    sources = {f"hub:o/n@{OLD}": ("sea", "fire"), f"hub:o/n@{NEW}": ("new",)}
    before = [pictures.foregrounds(source, 16) for source in sources]
    remote.leave()
    hub._labels.cache_clear()
    assert {source: pictures.class_names(source) for source in sources} == sources
    for source, objects in zip(sources, before, strict=True):
        assert torch.equal(pictures.foregrounds(source, 16).images, objects.images)
    with pytest.raises(InputError, match=r"o/n at v2 is not in the cache, and the Hub cannot be reached"):
        pictures.class_names("hub:o/n@v2")


def test_what_was_downloaded_is_used_without_asking(remote):
    before = pictures.foregrounds("hub:o/n", 16).images, pictures.backgrounds("hub:o/n", 16)
    remote.asked = 0
    after = pictures.foregrounds("hub:o/n", 16).images, pictures.backgrounds("hub:o/n", 16)
    assert all(map(torch.equal, before, after))
    assert remote.asked == 0


def test_a_download_that_was_cut_short_is_finished_before_use(remote):
    (hub._snapshot("hub:o/n") / BACKGROUNDS).unlink()
    assert (pictures.backgrounds("hub:o/n", 16)[0, 1] == 255).all()
    (hub._snapshot("hub:o/n") / BACKGROUNDS).unlink()
    remote.leave()
    with pytest.raises(InputError, match="is not in the cache"):
        pictures.backgrounds("hub:o/n", 8)


@pytest.mark.parametrize(
    ("foregrounds", "message"),
    [
        (parquet([{"image": png(RED)}]), "has no 'label' in it; its columns are image"),
        (parquet([{"label": 1}], ["a", "b"]), "has no 'image' in it; its columns are label"),
        (parquet([{"image": {"bytes": None, "path": "x"}, "label": 0}], ["a"]), "Row 0 .* has no image in it"),
        (labelled(2, names=["a"]), "Row 0 .* of no class: its label is 2"),
        (labelled(0, names=["a", "b"]), "Class 'b' has no prototype in hub:o/n"),
        (parquet(OBJECTS).replace(b"PAR1", b"RAP1"), "Cannot read .*foregrounds"),
        (parquet([{"image": b"GIF89a", "label": 0}], ["a"]), "Cannot read the image in row 0 of"),
    ]
    + [
        (labelled(*labels), "Row [01] .* of no class")
        for labels in ([0, None], [1, -1], [0.0, float("nan")], ["a", ""], [[1], [2]])
    ],
)
def test_a_data_set_that_does_not_fit_is_refused_in_one_line(remote, foregrounds, message):
    remote.files[FOREGROUNDS] = foregrounds
    with pytest.raises(InputError, match=message) as error:
        pictures.foregrounds("hub:o/n", 16)
    assert "\n" not in str(error.value)


def test_a_data_set_without_parquet_files_says_what_it_needs(remote):
    remote.commits[OLD] = {"README.md": b""}
    with pytest.raises(InputError, match=r"has no foregrounds/train\*\.parquet: it needs the configurations"):
        pictures.class_names("hub:o/n")


@pytest.mark.parametrize("source", ["hub:o/n@v9", "hub:o/other"])
def test_unknown_names_are_told_from_a_missing_network(source):
    with pytest.raises(InputError, match=r"The Hub has no data set o/\w+ at \w+, or not for you") as error:
        pictures.fingerprint(source)
    assert "\n" not in str(error.value)


def test_the_library_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install -e '\.\[hub\]'"):
        pictures.class_names("hub:o/n")


@pytest.mark.parametrize("source", ["hub:", "hub:name", "hub:o/n@", "hub:o/n/m", "hub:o n/m"])
def test_a_source_that_names_no_data_set_says_how_to_write_it(source):
    with pytest.raises(InputError, match="write hub:OWNER/NAME"):
        Transforms2D(foregrounds=source)


def test_a_cache_that_cannot_be_written_is_found_before_the_download(remote, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / "file"))
    for source in ("hub:o/n", f"hub:o/n@{NEW}"):
        with pytest.raises(InputError, match=r"Cannot use the cache .*: set INVARIANCE_CACHE"):
            pictures.class_names(source)
    assert remote.asked == 0
