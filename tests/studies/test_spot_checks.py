"""The published record, checked on a fixed list of units that are computed again."""

from pathlib import Path

import pytest
import torch
import yaml

from invariance import studies
from invariance.training import threads
from invariance.units import record

CHECKS = yaml.safe_load((Path(__file__).parents[1] / "data" / "spot_checks.yaml").read_text())


@pytest.mark.any_cpu
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check["study"])
def test_a_unit_computed_again_gives_what_the_record_has(check, shared_cache, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(shared_cache))
    study, wanted = studies.get(check["study"]), check["columns"].items()
    sizes = study.at("quick")
    design = [*study.design(sizes), *study.baselines(sizes)]
    unit = next(unit for columns, unit in design if wanted <= columns.items())
    published = record.read(record.path("quick"))[unit.digest]
    device = torch.device("cpu")
    with threads(device, 1):
        again = unit.compute(device)
    pairs = zip(unit.rows(published["values"]), unit.rows(again), strict=True)
    differences = [abs(new["value"] - old["value"]) for old, new in pairs if old["split"] in ("test", "pairs")]
    assert differences and max(differences) <= 3 * check["spread"]
