"""Every golden case of the measures in this folder; those of `plait.relations` are beside it.

`PLAIT_REFERENCE` names another folder with an `architectures` folder in it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from plait.evaluation import (
    delta_m,
    hypervolume,
    mean_rank,
    pareto_front,
    ranks,
    relative_change,
)
from tests.architectures.adapters.files import FOLDER

Case = Mapping[str, Any]
FILE = json.loads((FOLDER / "architectures" / "relations.json").read_text(encoding="utf-8"))


def delta(inputs: Case) -> dict[str, Any]:
    """The file has fractions where plait has per cent."""
    gains: dict[str, dict[str, float]] = {}
    for task, base in inputs["base"].items():
        three = zip(inputs["new"][task], base, inputs["higher_is_better"][task], strict=True)
        gains[task] = {
            str(place): float(relative_change(new, old, higher_is_better=higher))
            for place, (new, old, higher) in enumerate(three)
        }
    return {
        "per_metric": {task: [g / 100 for g in own.values()] for task, own in gains.items()},
        "per_task": {task: delta_m({task: own}) / 100 for task, own in gains.items()},
        "delta_m": delta_m(gains) / 100,
        "delta_m_percent": delta_m(gains),
    }


def mean_ranks(inputs: Case) -> dict[str, Any]:
    table = inputs["table"], inputs["higher_is_better"]
    return {"ranks": ranks(*table).tolist(), "mean_rank": mean_rank(*table).tolist()}


def pareto(inputs: Case) -> dict[str, Any]:
    volume = hypervolume(inputs["points"], inputs["ref"])
    return {
        "non_dominated": pareto_front(inputs["points"]).astype(int).tolist(),
        "hypervolume": volume.volume,
        "exclusive_contribution": volume.exclusive.tolist(),
    }


METHODS: Mapping[str, Callable[[Case], dict[str, Any]]] = {
    "delta_m": delta,
    "mean_rank": mean_ranks,
    "pareto": pareto,
}


def leaves(value: Any, path: str = "") -> dict[str, float]:
    """All numbers of nested dicts and lists, by their path."""
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list):
        items = dict(enumerate(value)).items()
    else:
        return {path: float(value)}
    return {k: v for key, each in items for k, v in leaves(each, f"{path}/{key}").items()}


@pytest.mark.reference
@pytest.mark.parametrize(
    "case",
    [pytest.param(c, id=c["id"]) for c in FILE["cases"] if c["method"] in METHODS],
)
def test_case(case: Case) -> None:
    found, expected = leaves(METHODS[case["method"]](case["inputs"])), leaves(case["expected"])
    assert found.keys() == expected.keys()
    for path, value in expected.items():
        np.testing.assert_allclose(found[path], value, case["rtol"], case["atol"], err_msg=path)


@pytest.mark.reference
def test_there_are_cases_of_every_method() -> None:
    assert set(METHODS) <= {case["method"] for case in FILE["cases"]}
