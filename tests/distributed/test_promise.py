"""One process on the joined batch trains what two processes on their parts of it train."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from plait.balancing import BilevelBalancer
from tests.balancing.promises import METHODS, method
from tests.distributed.group import Group
from tests.distributed.trainings import WAYS, train

NAMES = [name for name in METHODS if not issubclass(method(name), BilevelBalancer)]
KINDS = ["Equal", "UncertaintyWeights", "UPGrad", "GradDrop", "GradNorm", "StaleRows", "SDMGrad"]


def check(two: Group, name: str, way: str, options: Mapping[str, Any] | None = None) -> None:
    wanted, said, without = train(name, way, options)
    found = two(train, name, way, options)
    for state, told, missing in found:
        for key, value in wanted.items():
            torch.testing.assert_close(state[key], value, rtol=0, atol=1e-6)
        assert missing == without, "whose gradient is None"
        for here, there in zip(told, said, strict=True):
            assert here["tasks"] == there["tasks"]
            for key in ("losses", "weights"):
                assert here[key] == pytest.approx(there[key], abs=1e-7)
            if here["norms"] is not None and there["norms"] is not None:
                assert here["norms"] == pytest.approx(there["norms"], abs=1e-7)
    (first, _, _), (second, _, _) = found
    assert all(torch.equal(first[key], second[key]) for key in first), "the replicas are the same"
    start = train(name, way, options, steps=0)[0]
    assert not torch.equal(wanted["first.weight"], start["first.weight"])


@pytest.mark.parametrize("name", NAMES)
def test_every_method(two: Group, name: str) -> None:
    """Unequal batches, a task that one process lacks, several micro-batches."""
    check(two, name, "accumulated")


@pytest.mark.parametrize("way", sorted(WAYS.keys() - {"accumulated"}))
@pytest.mark.parametrize("name", ["UncertaintyWeights", "UPGrad"])
def test_every_way(two: Group, name: str, way: str) -> None:
    check(two, name, way)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_every_method_in_every_way(two: Group, name: str, way: str) -> None:
    check(two, name, way)


OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "every": ("UPGrad", {"every": 2}),
    "heads by weight": ("UPGrad", {"head_weights": "task"}),
    "heads of weight 1": ("UncertaintyWeights", {"head_weights": "unit"}),
    "penalty": ("UPGrad", {"penalty": True}),
    "penalty of one pass": ("Equal", {"penalty": True}),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options(two: Group, case: str) -> None:
    name, options = OPTIONS[case]
    check(two, name, "absent later", options)
