"""The plan of a budget: everything that is fixed before its first unit runs, as a file whose digest every result names.

Sizes, seeds, protocols, statements with their rules, thresholds and floors, of every study. A record is only as good as
what could not be changed after it was seen, so results of another plan are not added to it.
"""

from pathlib import Path
from typing import Any

import yaml

from invariance.errors import InputError
from invariance.files import write_aside
from invariance.studies import all_studies, get
from invariance.studies.sizes import Sizes
from invariance.studies.study import Study
from invariance.units import record

BUDGETS = ("night", "paper")
"""The budgets that have a plan; results at the others are for trying out."""
ALSO_PUBLISHED = ("invariances_or_classes",)
"""The studies that are run under the protocol `published`, too."""

ORDER = (
    "invariances_or_classes",
    "measuring_invariance",
    "mismatch",
    "when_invariance_harms",
    "invariance_transfer",
    "slips",
    "other_factors",
    "natural_images",
    "training_length",
)
"""The order in which studies run: what says most for its cost first."""


def order(budget: str) -> list[tuple[str, str]]:
    """The studies and protocols of a plan, in the order in which they run.

    At the paper's size the published protocol comes first, since its means can be put beside the paper's.
    """
    corrected = [(name, "corrected") for name in ORDER]
    published = [(name, "published") for name in ALSO_PUBLISHED]
    return published + corrected if budget == "paper" else corrected + published


def contents(budget: str) -> dict[str, Any]:
    """The plan of a budget as the studies have it now."""
    return {"budget": budget, "studies": {s.name: entry(s, budget) for s in (*all_studies(), get("slips"))}}


def entry(study: Study, budget: str) -> dict[str, Any]:
    """What the plan of a budget says of a study."""
    sizes = study.at(budget)
    protocols = ["corrected", *(["published"] if study.name in ALSO_PUBLISHED else [])]
    fields = sizes.model_dump(mode="json", exclude={"budget", "protocol", "seeds"})
    rules = [{"rule": one.rule, **vars(one)} for one in study.statements]
    return {"protocols": protocols, "seeds": sizes.seeds, "sizes": fields, "statements": rules}


def write(budget: str) -> Path:
    """Write the plan of a budget. Raises `InputError` where results of another plan are in the record."""
    file, known = record.plan_file(budget), record.read(record.path(budget))
    text = _text(budget)
    if known and (not file.exists() or file.read_text("utf-8") != text):
        raise InputError(
            f"{record.path(budget)} has results of another plan: undo what changed, or begin a new record."
        )
    with write_aside(file) as aside:
        aside.write_text(text, "utf-8")
    return file


def named(study: Study, sizes: Sizes, runs: record.Record) -> record.Record:
    """Results with the digest of the plan that they were run under, where their study and sizes are the plan's.

    Raises `InputError` where the study now says something else than the plan.
    """
    file = record.plan_file(sizes.budget)
    planned = yaml.safe_load(file.read_text("utf-8"))["studies"] if file.exists() else {}
    if study.name not in planned or sizes != study.at(sizes.budget, protocol=sizes.protocol):
        return runs
    if planned[study.name] != yaml.safe_load(yaml.safe_dump(entry(study, sizes.budget))):
        raise InputError(f"{study.name} differs from its plan, {file}: undo that, or run with other sizes of your own.")
    return {digest: {"plan": record.plan_digest(sizes.budget), **run} for digest, run in runs.items()}


def _text(budget: str) -> str:
    return yaml.safe_dump(contents(budget), sort_keys=False, width=120, allow_unicode=True)
