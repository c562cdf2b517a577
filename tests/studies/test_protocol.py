"""Studies under the published protocol: what they hand on to their units, and what is reported."""

import dataclasses

import numpy as np
import pytest
from typer.testing import CliRunner

from invariance import cli, studies
from invariance.errors import InputError
from invariance.protocol import CORRECTED, PUBLISHED, find
from invariance.studies import invariances_or_classes, mismatch, other_factors, tasks, when_invariance_harms
from invariance.studies.study import with_pooled
from invariance.units import FineTuning, Sensitivity, record

SHARED = {"invariances_or_classes", "measuring_invariance", "other_factors", "natural_images"}


@pytest.mark.parametrize("study", [one.name for one in studies.all_studies()])
def test_every_unit_follows_the_protocol_and_only_a_and_b_share_draws(study):
    chosen = studies.get(study)
    own = PUBLISHED if study in SHARED else find("published-shared_draws")
    for _, unit in chosen.design(chosen.at("smoke", seeds=1, protocol="published")):
        assert {data.protocol for data in (*unit.data_sets(), unit.pretraining.data)} == {own}
    plain = {data.protocol for _, unit in chosen.design(chosen.at("smoke", seeds=1)) for data in unit.data_sets()}
    assert plain == {CORRECTED}


def test_the_papers_seeds_draw_its_transformations_and_its_target_alone():
    sizes = other_factors.STUDY.at("quick", seeds="paper")
    assert sizes.seeds == 10
    assert tasks.task(sizes, 2).transforms == {
        "first": ("scale", "brightness", "contrast"),
        "second": ("translate", "posterize", "noise"),
    }
    assert list(tasks.targets(sizes, 2)) == ["first"]
    assert mismatch.order(mismatch.STUDY.at("quick", seeds="paper"), 9)[:3] == ("blur", "noise", "v_flip")
    assert other_factors.STUDY.at("night").tasks == other_factors.STUDY.at("paper").tasks == "paper"
    with pytest.raises(InputError, match="The paper has 10 seeds"):
        tasks.task(sizes, 10)


def test_the_published_head_comes_from_all_images_save_where_their_number_varies():
    study = other_factors.STUDY
    for name, heads in (("corrected", {0}), ("published", {study.at("quick").probe_samples})):
        design = study.design(study.at("quick", seeds=1, protocol=name))
        tuned = [(columns, unit) for columns, unit in design if isinstance(unit, FineTuning)]
        assert {unit.head_samples for columns, unit in tuned if columns["transfer"] != "tuned"} == heads
        assert {unit.head_samples for columns, unit in tuned if columns["transfer"] == "tuned"} == {0}


def test_the_published_vit_has_its_own_schedule():
    study = other_factors.STUDY
    for name, schedule in (("corrected", "warmup_cosine"), ("published", "slow_cosine")):
        design = study.design(study.at("paper", seeds=1, protocol=name))
        assert {unit.pretraining.schedule for columns, unit in design if columns["model"] == "vit"} == {schedule}


def test_published_sensitivities_of_translated_objects_are_measured_at_the_fixed_place():
    study = when_invariance_harms.STUDY
    for name, moved in (("corrected", {True}), ("published", {False})):
        design = study.design(study.at("smoke", seeds=1, protocol=name))
        pairs = [
            unit for columns, unit in design if isinstance(unit, Sensitivity) and columns["setting"] == "translated"
        ]
        assert {unit.data["both"].translate for unit in pairs} == moved


def test_published_accuracies_are_pooled_and_averaged_over_classes(smoke):
    found = smoke("invariances_or_classes")
    rows = found.table[found.table["split"] == "pooled"]
    chosen = rows[(rows["classes"] == "same") & (rows["pretrained_on"] == rows["probed_on"])]
    expected = np.mean([of["macro"].mean() for _, of in chosen.groupby("seed")])
    one = found["accuracy.matched.same"]
    assert one.pooled == pytest.approx(expected) and one.pooled != one.value
    sizes = found.sizes.model_copy(update={"protocol": find("corrected+pooled_accuracy")})
    published = dataclasses.replace(found, sizes=sizes)
    assert published["accuracy.matched.same"].value == pytest.approx(expected)
    assert set(published.table["protocol"]) == {"corrected+pooled_accuracy"}
    assert set(with_pooled(found.table)["split"]) == {"train", "validation", "test"}


def test_records_of_two_protocols_are_two_files_and_two_captions(smoke, tmp_path):
    assert record.path("night", PUBLISHED, tmp_path).name == "night-published.jsonl"
    assert record.path("night", CORRECTED, tmp_path).name == "night.jsonl"
    found = smoke("invariances_or_classes")
    assert "protocol corrected" in found.caption() and found.numbers()["protocol"] == "corrected"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--protocol", "publised"],
            "Unknown protocol 'publised'. Did you mean 'published'? Known: corrected, published.",
        ),
        (["--protocol", "corrected+last"], "Unknown flag of a protocol 'last'"),
        (["--seeds", "many"], "--seeds many: give a number, or paper for the paper's ten."),
        (["--seeds", "-1"], "greater than or equal to 1, got -1"),
    ],
)
def test_the_command_line_names_what_it_does_not_know(options, said):
    done = CliRunner().invoke(cli.app, ["status", "mismatch", *options])
    assert done.exit_code and said in " ".join(f"{done.output} {done.exception}".split())


def test_prose_names_the_images_and_weights_of_its_protocol():
    plain, published = (invariances_or_classes.STUDY.at("smoke", protocol=p).wording for p in ("corrected", PUBLISHED))
    assert plain["counted"] == "test images alone" and published["counted"].endswith("images together")
    assert plain["kept"] == "its best validation epoch" and published["kept"] == "its last epoch"
    assert plain["redrawn"] == "drawn anew" != published["redrawn"] and plain["dealt"] == published["dealt"]
    papers = invariances_or_classes.STUDY.at("night").wording
    assert "dealt like cards" in plain["dealt"] and "paper's code drew" in papers["dealt"]
    assert plain.keys() == published.keys() == papers.keys()
