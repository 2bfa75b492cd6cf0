"""Which route each kind of method takes, by its options and by what a step is given."""

from typing import Any

import pytest
import torch

from plait.balancing import (
    DWA,
    AutoLambda,
    Balancer,
    Equal,
    GradDrop,
    GradNorm,
    GradVac,
    MoDo,
    NashMTL,
    SDMGrad,
    StaleRows,
    UPGrad,
)
from plait.balancing.contract.info import Info
from plait.engine.gathered import Gathered
from plait.engine.memory import Memory
from plait.engine.micro_batch import MicroBatch
from plait.engine.options import Options
from plait.engine.routes.base import Route
from plait.engine.routes.batches import SeveralBatches
from plait.engine.routes.choose import choose
from plait.engine.routes.features import AtFeatures
from plait.engine.routes.in_turn import InTurn
from plait.engine.routes.labels import Labels
from plait.engine.routes.last_layer import LastLayer
from plait.engine.routes.layers import Layers
from plait.engine.routes.look_ahead import LookAhead
from plait.engine.routes.reused import Reused
from plait.engine.routes.rows import Direction, GramianByGroup, GramianOfRows, MeasuredLosses
from plait.engine.routes.weighted import Constant, Weighted
from tests.engine.loops import Net

SHARES = {"shares": {"a": 0.5, "b": 0.5, "c": 0.5}}
LABELS = {"labels": {task: torch.ones(6, dtype=torch.bool) for task in "abc"}}
KNOWN = {"known": {"a": 1.0, "b": 1.0, "c": 1.0}}


@pytest.mark.parametrize(
    ("balancer", "options", "given", "route"),
    [
        (Equal(), {}, {}, Constant),
        (Equal(), {}, SHARES, Constant),
        (Equal(), {}, {"measure": True}, MeasuredLosses),
        (DWA(), {}, {}, Weighted),
        (DWA(), {}, SHARES, MeasuredLosses),
        (AutoLambda(), {}, {}, LookAhead),
        (UPGrad(), {"route": "rows"}, {}, GramianOfRows),
        (UPGrad(), {"route": "layers"}, {}, Layers),
        (UPGrad(), {"route": "layers"}, SHARES, GramianOfRows),
        (UPGrad(), {"route": "labels"}, LABELS, Labels),
        (UPGrad(), {"route": "labels"}, {**LABELS, **SHARES}, GramianOfRows),
        (UPGrad(), {"at": "features"}, {}, AtFeatures),
        (GradNorm(), {}, {}, LastLayer),
        (GradNorm(), {}, SHARES, GramianOfRows),
        (GradVac(groups="matrix"), {}, {}, GramianByGroup),
        (MoDo(), {}, {}, SeveralBatches),
        (SDMGrad(solver="sgd"), {}, {}, SeveralBatches),
        (SDMGrad(solver="exact"), {"route": "rows"}, {}, GramianOfRows),
        (GradDrop(), {}, {}, Direction),
        (GradDrop(), {"route": "labels"}, LABELS, Direction),
        (StaleRows(), {}, {}, InTurn),
        (NashMTL(), {"every": 3}, KNOWN, Reused),
        (NashMTL(), {"every": 3, "route": "rows"}, {}, GramianOfRows),
        (NashMTL(), {"every": 3, "route": "rows"}, {"known": {"a": 1.0}}, GramianOfRows),
        (NashMTL(), {"every": 3, "route": "rows"}, {**KNOWN, "age": 2}, GramianOfRows),
        (NashMTL(), {"every": 3, "at": "features"}, KNOWN, AtFeatures),
    ],
)
def test_a_route_by_method_options_and_step(
    balancer: Balancer, options: dict[str, Any], given: dict[str, Any], route: type[Route[Any]]
) -> None:
    net = Net()
    memory = Memory(weights=given.get("known", {}), age=given.get("age", 0))
    step = Gathered(
        balancer, Options(**options), memory, net, Info(), measure=given.get("measure", False)
    )
    micro = MicroBatch(
        net.losses(), list(net.parameters()), given.get("shares"), labels=given.get("labels")
    )
    step.note(micro)
    found = choose(step, micro)
    assert type(found) is route
    assert found.passes
    assert step.reused == (given.get("known") == KNOWN["known"] and "age" not in given)
    assert torch.is_grad_enabled()
