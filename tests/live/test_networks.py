"""The explorers' networks: weights that are what their lines say, and one command that makes them."""

import hashlib

import pytest
import torch

from invariance.datasets import Split, Transforms2D
from invariance.errors import InputError
from invariance.live import networks, scene
from invariance.training.inference import accuracy


def test_every_network_has_its_weights_and_its_line():
    facts, sizes = networks.facts(), []
    assert list(facts) == list(networks.NAMES)
    for name in (*networks.TRAINED, *networks.SEEN):
        content = (networks.FOLDER / f"{name}.safetensors").read_bytes()
        assert hashlib.sha256(content).hexdigest() == facts[name]["sha256"], name
        assert len(facts[name]["digest"]) == 24 and facts[name]["configuration"]["samples"] == 30_000
        sizes.append(len(content))
    assert max(sizes) <= 400_000 and sum(sizes) <= 4_000_000


@pytest.mark.parametrize("name", ["plain", "rotate"])
def test_they_do_what_they_were_trained_for(name):
    seen = Transforms2D(transforms=() if name == "plain" else (name,))
    test = Split(seen.renderer(), 0, "test", 300)
    assert accuracy(networks.network(name), test) > 0.9
    measured = scene.sensitivity(networks.network(name), "rotate").value
    assert measured == pytest.approx(networks.facts()[name]["values"]["rotate"], abs=0.08)


def test_the_one_that_saw_turned_objects_is_less_sensitive_to_turning():
    plain, turned = (scene.sensitivity(networks.network(name), "rotate") for name in ("plain", "rotate"))
    assert turned.high < plain.low


def test_training_writes_weights_and_a_line(tmp_path, monkeypatch, cache):
    whole = networks.unit
    small = {"samples": 64, "validation_samples": 64, "epochs": 1}
    monkeypatch.setattr(networks, "unit", lambda name: whole(name).model_copy(update=small))
    monkeypatch.setattr(networks, "FOLDER", tmp_path)
    monkeypatch.setattr(networks, "PAIRS", 16)
    networks.train(["hue"], "cpu")
    assert set(networks.facts()["hue"]["values"]) > {"validation_accuracy", "hue", "rotate"}
    networks._network.cache_clear()
    try:
        made = networks.network("hue").state_dict()
        trained = networks.unit("hue").trained("cpu").state_dict()
        assert all(torch.equal(made[key], trained[key].half().float()) for key in made if "num" not in key)
        with pytest.raises(InputError, match="`invariance live train blur` trains it"):
            networks.network("blur")
    finally:
        networks._network.cache_clear()


def test_unknown_networks_are_named():
    with pytest.raises(InputError, match="Unknown network 'resnet'"):
        networks.network("resnet")
    with pytest.raises(InputError, match="Unknown network 'x'"):
        networks.train(["x"])
