"""One process on the joined batch trains what two processes on their parts of it train."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from plait.balancing import BilevelBalancer
from tests.balancing.promises import METHODS, method
from tests.distributed.group import Group, Groups
from tests.distributed.trainings import WAYS, train

AHEAD = [name for name in METHODS if issubclass(method(name), BilevelBalancer)]
NAMES = [name for name in METHODS if name not in AHEAD]
KINDS = ["Equal", "UncertaintyWeights", "UPGrad", "GradDrop", "GradNorm", "StaleRows", "SDMGrad"]


# With parts of the parameters in each process, all of them have a label in each micro-batch.
SHARDED = ["equal", "unequal", "absent on a rank", "absent later", "absent on all"]
SHARDED += ["accumulated alike"]


def check(group: Group, name: str, way: str, options: Mapping[str, Any] | None = None) -> None:
    wanted, said, without = train(name, way, options)
    found = group(train, name, way, options)
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
    first = found[0][0]
    for other, _, _ in found[1:]:
        assert all(torch.equal(first[key], other[key]) for key in first), "all have the same"
    start = train(name, way, options, steps=0)[0]
    assert not torch.equal(wanted["first.weight"], start["first.weight"])


@pytest.mark.parametrize("name", NAMES)
def test_every_method(two: Group, name: str) -> None:
    """Unequal batches, a task that one process lacks, several micro-batches."""
    check(two, name, "accumulated")


ONE_BATCH = ["equal", "unequal", *(way for way in WAYS if "absent" in way or "without" in way)]


@pytest.mark.parametrize("way", ONE_BATCH)
@pytest.mark.parametrize("name", AHEAD)
def test_methods_that_look_ahead(two: Group, name: str, way: str) -> None:
    """They read one batch to learn from, and one to look ahead on."""
    check(two, name, way)


@pytest.mark.parametrize("way", sorted(WAYS.keys() - {"accumulated", "four"}))
@pytest.mark.parametrize("name", ["UncertaintyWeights", "UPGrad"])
def test_every_way(two: Group, name: str, way: str) -> None:
    check(two, name, way)


@pytest.mark.parametrize("name", NAMES)
def test_every_method_with_sharded_parameters(two: Group, name: str) -> None:
    check(two, name, "absent later", {"sharded": True})


@pytest.mark.parametrize("way", SHARDED)
@pytest.mark.parametrize("name", ["UncertaintyWeights", "UPGrad"])
def test_every_way_with_sharded_parameters(two: Group, name: str, way: str) -> None:
    check(two, name, way, {"sharded": True})


@pytest.mark.slow
@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_four_processes_and_parts_in_pairs_of_them(
    groups: Groups, name: str, sharded: bool
) -> None:
    check(groups.of(4), name, "four", {"sharded": sharded})


@pytest.mark.slow
@pytest.mark.parametrize("way", SHARDED)
@pytest.mark.parametrize("name", NAMES)
def test_every_method_in_every_way_with_sharded_parameters(two: Group, name: str, way: str) -> None:
    check(two, name, way, {"sharded": True})


@pytest.mark.slow
@pytest.mark.parametrize("way", sorted(WAYS.keys() - {"four"}))
@pytest.mark.parametrize("name", NAMES)
def test_every_method_in_every_way(two: Group, name: str, way: str) -> None:
    check(two, name, way)


OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "every": ("UPGrad", {"every": 2}),
    "heads by weight": ("UPGrad", {"head_weights": "task"}),
    "heads of weight 1": ("UncertaintyWeights", {"head_weights": "unit"}),
    "penalty": ("UPGrad", {"penalty": True}),
    "penalty of one pass": ("Equal", {"penalty": True}),
    "sharded, every": ("UPGrad", {"every": 2, "sharded": True}),
    "sharded, heads by weight": ("UPGrad", {"head_weights": "task", "sharded": True}),
    "sharded, heads of weight 1": (
        "UncertaintyWeights",
        {"head_weights": "unit", "sharded": True},
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options(two: Group, case: str) -> None:
    name, options = OPTIONS[case]
    check(two, name, "absent later", options)
