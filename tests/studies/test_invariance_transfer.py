from itertools import product

import numpy as np
import pandas as pd
import pytest

from invariance.studies import invariance_transfer as transfer
from invariance.studies.invariance_transfer import DATA_TYPES, OWN, STUDY
from invariance.studies.statements import NOT_TESTABLE, SMALL, SUPPORTED
from invariance.studies.study import Findings
from invariance.transforms import PAPER_NAMES
from invariance.units.run import Outcome


def findings(table, budget="quick"):
    found = Findings(STUDY, STUDY.sizes[budget], [], {}, Outcome())
    found.__dict__["table"] = table
    return found


def made(names=PAPER_NAMES, models=("small",), same=0.3, other=0.5, best=None):
    """Every model on every transformation and type of data; `best` maps a transformation to its best other model."""
    shares = dict(zip(DATA_TYPES, np.linspace(1, 0.1, len(DATA_TYPES)), strict=True))  # of the advantage, by the data
    rows = [
        (model, kind, with_, name, data, same + (1 - shares[data]) * (other - same) if with_ == name else value)
        for model, kind, with_, name, data in product(models, OWN, (*names, *transfer.WITHOUT), names, DATA_TYPES)
        for value in [other - 0.01 * (best is not None and best[name] == with_)]
    ]
    table = pd.DataFrame(rows, columns=["model", "trained_on", "trained_with", "transformation", "data", "value"])
    return table.assign(measure="sensitivity_l2", split="pairs", seed=0)


def test_the_design_at_the_papers_size_is_the_papers_protocol():
    units = [unit for row, unit in transfer.design(STUDY.at("paper", seeds=1)) if row["exchanged"] == ""]
    trained = {unit.pretraining.digest: unit.pretraining for unit in units}.values()
    assert sum(p.epochs == 0 for p in trained) == 4  # an untrained model is the same, whatever it would be trained on
    assert sum(p.epochs == 50 for p in trained) == 4 * 2 * 19
    assert {(p.samples, p.batch_size) for p in trained} == {(50_000, 512)}
    assert {p.model for p in trained} == {"resnet18", "densenet121", "vgg11", "vit"}
    assert {(tuple(u.data), u.transforms, u.pairs) for u in units} == {(DATA_TYPES, PAPER_NAMES, 10_000)}


def test_ten_types_of_data_are_ten_data_sets_and_new_objects_were_never_trained_on():
    sizes = STUDY.at("smoke")
    specs = {name: transfer.data(sizes, name, 0) for name in DATA_TYPES}
    assert len(DATA_TYPES) == 10 and len(set(specs.values())) == 10
    for objects in ("objects", "random objects"):
        old, new = (specs[f"{which} {objects} on noise"].classes for which in ("training", "new"))
        assert len(old) == len(new) == 30 and not set(old) & set(new)
    for name in OWN.values():
        used = transfer.trained(sizes, "small", specs[name], "blur", 0).data
        assert used == specs[name].model_copy(update={"transforms": ("blur",)})
    assert specs[OWN["random"]].foregrounds == specs[OWN["random"]].backgrounds == "random"


def test_fewer_transformations_are_taken_from_every_category():
    for count in range(3, 19):
        names = STUDY.at("smoke", transforms=count).names
        assert len(set(names)) == count and {transfer.CATEGORY[name] for name in names} == set(transfer.PAPER)


def test_a_smoke_run_has_a_value_for_every_effect(smoke):
    found = smoke("invariance_transfer")
    assert not found.outcome and not found.missing
    assert len(found.table) == 2 * 2 * 5 * (10 * 3 + 8)  # natural images have no object to exchange
    papers = {name for name in STUDY.papers if not name.endswith((".densenet121", ".vgg11", ".vit"))}
    assert papers <= set(found.estimates)
    assert all(estimate.n == 2 for estimate in found.estimates.values())
    assert found["sensitivity.image.untrained.cifar10"].value == found["sensitivity.random.untrained.cifar10"].value
    assert found.show("architectures").data == "These results have one whole architecture only."


def test_effects_of_the_papers_table_are_the_papers_numbers():
    assert len(STUDY.paper) == 4 * 2 * 3 * 5
    papers = {name: values.item() for name, values in STUDY.papers.items()}
    assert papers["sensitivity.image.same.new objects on scenes"] == 0.21
    assert papers["sensitivity.random.same.training random objects on noise.vit"] == 0.28
    assert papers["advantage.image.new objects on scenes"] == pytest.approx(0.41 - 0.21)
    assert papers["advantage.image.natural"] == pytest.approx((0.51 - 0.37 + 0.50 - 0.35) / 2)
    assert papers["fades.new"] == pytest.approx((0.40 - 0.12) - (0.41 - 0.21))
    assert all(statement.holds(papers[statement.estimate]) for statement in STUDY.statements)


def test_statements_hold_where_the_advantage_shrinks_with_the_data_and_fail_where_it_is_turned(seeds_around):
    assert [statement.claim for statement in STUDY.statements] == [6] * 7
    found = findings(seeds_around(made(), 0.001))
    assert {(estimate.n, verdict) for estimate, verdict in found.verdicts().values()} <= {(4, SUPPORTED), (4, SMALL)}
    turned = findings(seeds_around(made(same=0.5, other=0.3), 0.001))
    assert {verdict for _, verdict in turned.verdicts().values()} == {NOT_TESTABLE}


def test_an_advantage_leaves_out_models_without_the_transformations():
    table = made(("blur", "hue", "scale"))
    table.loc[table["trained_with"].isin(transfer.WITHOUT), "value"] = 9.0
    effects = STUDY.effects(table)
    assert effects["advantage.image.training objects on scenes"].tolist() == pytest.approx([0.2])
    assert effects["sensitivity.random.none.cifar10"].tolist() == [9.0]


def test_ranks_count_all_trained_models_and_share_ties():
    table = made(("blur", "hue", "scale"))
    effects = STUDY.effects(table)
    assert effects["rank.image.new objects on scenes"].tolist() == [1.0]
    tied = STUDY.effects(table.assign(value=0.5))
    assert tied["rank.random.cifar10"].tolist() == [2.5]  # of four: three transformations and none
    assert findings(table.assign(seed=0)).numbers()["middle"] == "4.0"  # of seven, as quick has
    last = table.assign(value=table["value"].mask(table["trained_with"] == "untrained", 0.0))
    assert STUDY.effects(last)["rank.image.cifar10"].tolist() == [1.0]


def test_a_family_is_where_the_best_other_model_learned_the_same_category():
    names = ("scale", "rotate", "hue", "invert", "blur", "noise")
    kin = dict(zip(names, ("rotate", "scale", "invert", "hue", "rotate", "hue"), strict=True))
    table = made(names, best=kin)
    effects = STUDY.effects(table)
    assert effects["family.image.new objects on scenes"].tolist() == pytest.approx([4 / 6])
    shown = findings(table.assign(seed=0)).show("families").data
    assert shown.count("<tr") == 7 and "<td>rotate (geometric)</td>" in shown
    assert findings(table.assign(seed=0), "paper").numbers()["family.chance"] == "0.29"  # 5 of the 17 others


def test_other_architectures_stand_beside_the_papers_and_the_main_one_comes_first(seeds_around):
    found = findings(seeds_around(made(models=("small", "small_vit"), names=PAPER_NAMES[::6]), 0.01))
    assert found["sensitivity.image.same.new objects on scenes"].paper == 0.21
    assert found["sensitivity.image.same.new objects on scenes.vit"].paper == 0.26
    text = found.show("architectures").data
    assert text.count("<tr") == 2 * 10 + 1 and text.count("small_vit") == 20


def test_each_type_of_data_has_its_row_in_both_panels(seeds_around):
    found = findings(seeds_around(made(), 0.001))
    figure = found.figure("sensitivities")
    labels = [label.get_text().replace("\n", " ") for label in figure.axes[0].get_yticklabels()]
    assert labels == [transfer.NATURAL.get(name, name) for name in DATA_TYPES]
    for axis, kind in zip(figure.axes, OWN, strict=True):
        (same,) = (line for line in axis.lines if line.get_label() == "trained with it")
        one = found[f"sensitivity.{kind}.same.{DATA_TYPES[0]}"]
        assert same.get_xdata()[0] == one.value and round(same.get_ydata()[0]) == 0
