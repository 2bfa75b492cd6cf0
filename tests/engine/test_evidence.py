"""Steps that are not finite are skipped, as if they had not been."""

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from plait.balancing import (
    DWA,
    FAMO,
    MGDA,
    Balancer,
    Equal,
    ExcessMTL,
    GradNorm,
    GradVac,
    Info,
    MoCo,
    MoDo,
    PCGrad,
    SDMGrad,
    UncertaintyWeights,
    UPGrad,
)
from plait.engine import Backward
from tests.engine.loops import Net
from tests.gradients.nets import Losses
from tests.gradients.slow import assert_close, gradients_of
from tests.training.problem import differences

FIRST = Info(epoch=0)

METHODS: dict[str, tuple[Callable[[], Balancer], dict[str, Any]]] = {
    "constant": (Equal, {}),
    "losses": (DWA, {}),
    "learned": (lambda: UncertaintyWeights(tasks=tuple("abc")), {}),
    "rows": (UPGrad, {"route": "rows"}),
    "random": (PCGrad, {"route": "rows"}),
    "layers": (PCGrad, {"route": "layers"}),
    "last layer": (GradNorm, {}),
    "groups": (lambda: GradVac(groups="layer"), {}),
    "state of rows": (ExcessMTL, {}),
    "momentum of rows": (MoCo, {}),
    "two batches": (MoDo, {}),
    "three batches": (lambda: SDMGrad(solver="sgd", lr=0.1), {}),
    "reused": (UPGrad, {"every": 5}),
    "at once": (UPGrad, {"route": "rows", "chunk_size": 2}),
}


def broken_loss(losses: Losses) -> Losses:
    return {**losses, "b": losses["b"] * math.nan}


def broken_row(net: Net, losses: Losses) -> Losses:
    """The loss is as before; its gradient is infinity times zero."""
    p = net.trunk[2].weight
    return {**losses, "b": losses["b"] + (p - p.detach()).square().sum().sqrt()}


def batches_of(net: Net, balancer: Balancer, seed: int) -> list[Losses]:
    torch.manual_seed(seed)
    return [net.losses() for _ in range(balancer.batches)]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("kind", "broken"),
    [*((kind, "loss") for kind in METHODS), *((kind, "row") for kind in METHODS)],
)
def test_a_step_that_is_not_finite_is_skipped_as_if_it_had_not_been(
    kind: str, broken: str, before: bool
) -> None:
    make, options = METHODS[kind]
    net = Net()
    run, twin = (Backward(make(), net, nonfinite="skip", **options) for _ in range(2))
    for seed in range(2):
        for each in (run, twin):
            each(batches_of(net, each.balancer, seed), info=FIRST)
    if not before:
        net.zero_grad()
    grads, state = gradients_of(net.parameters()), copy.deepcopy(run.balancer.state_dict())
    learned = gradients_of(run.balancer.parameters())
    memory = run.state_dict()
    for position in range(run.balancer.batches):
        batches = batches_of(net, run.balancer, 7)
        bad = batches[position]
        batches[position] = broken_loss(bad) if broken == "loss" else broken_row(net, bad)
        record = run(batches, info=FIRST)
        assert record.skipped is not None and "'b'" in record.skipped
        assert "b" in record.broken and set(record.broken) <= {*bad}
        assert record.weights is None and record.norms is None and not record.reused
        assert record.flag is None
        assert run.memory.skipped == memory["skipped"] + position + 1
        after = gradients_of(net.parameters())
        assert after.keys() == grads.keys()
        assert all(torch.equal(after[key], grads[key]) for key in grads)
        assert not list(differences(run.balancer.state_dict(), state))
        found = gradients_of(run.balancer.parameters())
        assert all(torch.equal(found[key], learned[key]) for key in learned)
    assert {**run.state_dict(), "skipped": memory["skipped"]} == memory

    results = []
    for each in (run, twin):
        net.zero_grad()
        record = each(batches_of(net, each.balancer, 3), info=FIRST)
        assert record.skipped is None
        results.append((record.weights, gradients_of(net.parameters())))
    assert_close(results[0][1], results[1][1], tolerance=0.0)


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        *((kind, "loss") for kind in ("constant", "losses", "rows", "state of rows", "reused")),
        *((kind, "row") for kind in ("constant", "losses", "rows", "state of rows", "reused")),
    ],
)
def test_one_micro_batch_has_the_whole_step_skipped(kind: str, broken: str, position: int) -> None:
    make, options = METHODS[kind]
    net, balancer = Net(), make()
    run = Backward(balancer, net, nonfinite="skip", **options)
    run(net.losses(), info=FIRST)
    net.zero_grad()
    state = copy.deepcopy(balancer.state_dict())
    run.start(FIRST)
    for part in range(3):
        losses = net.losses()
        if part == position:
            losses = broken_loss(losses) if broken == "loss" else broken_row(net, losses)
        run.add(losses, dict.fromkeys("abc", 1 / 3), penalty=net.trunk[0].bias.square().sum())
    record = run.finish()
    assert record.skipped is not None and "'b'" in record.skipped
    assert run.memory.skipped == 1
    assert not gradients_of(net.parameters())
    assert not list(differences(balancer.state_dict(), state))
    assert run(net.losses(), info=FIRST).skipped is None
    assert len(gradients_of(net.parameters())) == len([*net.parameters()])


def test_a_penalty_that_is_not_finite_has_the_step_skipped() -> None:
    net = Net()
    run = Backward(UPGrad(), net, nonfinite="skip")
    record = run(net.losses(), {"decay": net.trunk[0].weight.sum() * math.inf})
    assert record.skipped is not None and "the penalty 'decay' is" in record.skipped
    assert record.broken == ()
    assert not gradients_of(net.parameters())


def test_skipped_steps_are_counted_in_the_state() -> None:
    net = Net()
    run = Backward(UPGrad(), net, nonfinite="skip")
    for _ in range(3):
        run(broken_loss(net.losses()))
    resumed = Backward(UPGrad(), net, nonfinite="skip")
    resumed.load_state_dict(run.state_dict())
    assert resumed.memory.skipped == 3
    resumed(broken_loss(net.losses()))
    assert resumed.state_dict()["skipped"] == 4


def test_other_errors_are_raised() -> None:
    net = Net()
    run = Backward(FAMO(), net, nonfinite="skip")
    with pytest.raises(Exception, match="must be a scalar"):
        run({"a": net.trunk[0].weight})


def test_a_flag_is_that_of_the_step() -> None:
    """A re-used weight asks the method nothing, so that its last flag says nothing."""
    p = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    run = Backward(MGDA(), every=2)
    flags = [run({"a": p[0] * 1, "b": -p[0] * 1}).flag for _ in range(2)]
    assert flags == ["Pareto-stationary", None]
