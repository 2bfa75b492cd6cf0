"""One step: parts and micro-batches are one joined batch, and clipping is that of torch."""

import copy
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from plait.balancing import Info
from plait.core.batch import Batch, Part
from plait.core.errors import ConfigError, NonFiniteError
from plait.data import collate
from plait.engine import Backward
from plait.model import MultiTaskModel
from plait.training import StepRecord, training_step
from tests.training.problem import BALANCERS, balancer, data, differences, model


def step(
    made: MultiTaskModel, batches: list[Batch], name: str = "Equal", **options: Any
) -> StepRecord:
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
    chosen = balancer(name)
    chosen.setup(tuple(made.tasks))
    return training_step(
        made,
        batches,
        Backward(chosen, made),
        optimizer,
        info=Info((), epoch=0),
        autocast=nullcontext(),
        device=torch.device("cpu"),
        **options,
    )


def batch(made: MultiTaskModel, start: int, stop: int) -> Batch:
    source = data(18)
    return made.batch(*collate([source[index] for index in range(start, stop)]))


@pytest.mark.parametrize("name", BALANCERS)
def test_parts_of_several_sources_are_one_batch(name: str) -> None:
    """Two sources with unequal numbers of labels, in one step."""
    results = []
    for cuts in ((0, 12), (0, 3, 12)):
        made = model(statistics=False)
        pieces = [batch(made, a, b) for a, b in pairwise(cuts)]
        joined = Batch(tuple(part for piece in pieces for part in piece.parts))
        record = step(made, [joined], name)
        results.append((made.state_dict(), record))
    (whole, one), (parts, two) = results
    torch.testing.assert_close(whole, parts)
    assert one.losses == pytest.approx(two.losses)
    assert one.counts == two.counts == {"kind": 9, "amount": 12, "rare": 2}


def test_the_record_says_what_was_done() -> None:
    made = model(statistics=False)
    before = copy.deepcopy(made)
    given = batch(made, 0, 12)
    record = step(made, [given])
    with torch.no_grad():
        expected = before.losses([before(given.parts[0].inputs)], given)
    assert record.losses == pytest.approx({n: float(loss) for n, loss in expected.raw.items()})
    assert record.balance.tasks == ("kind", "amount", "rare")
    assert record.balance.weights is not None
    assert record.balance.weights.tolist() == [1, 1, 1]
    assert record.balance.norms is None
    assert record.terms == {}


@pytest.mark.parametrize("limit", [0.01, 0.5, 100.0])
def test_clipping_is_that_of_torch(limit: float) -> None:
    """The gradients of one step that is clipped, against `clip_grad_norm_`."""
    made, twin = model(statistics=False), model(statistics=False)
    given = batch(made, 0, 12)
    record = step(made, [given], clip=limit)
    outputs = twin(given.parts[0].inputs)
    torch.stack(list(twin.losses([outputs], given).values())).sum().backward()
    norm = nn.utils.clip_grad_norm_(twin.parameters(), limit)
    assert record.gradient_norm == pytest.approx(float(norm), rel=1e-6)
    for ours, theirs in zip(made.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_gradients_of_the_step_before_are_forgotten() -> None:
    made, twin = model(statistics=False), model(statistics=False)
    for parameter in made.parameters():
        parameter.grad = torch.full_like(parameter, 1e6)
    step(made, [batch(made, 0, 12)])
    step(twin, [batch(twin, 0, 12)])
    assert not list(differences(made.state_dict(), twin.state_dict()))


@pytest.mark.parametrize("name", BALANCERS)
def test_a_broken_gradient_is_not_left_behind(name: str) -> None:
    """Finite losses with a gradient beyond float32: nothing is stepped, `.grad` is as before."""
    made = model(statistics=False)
    with torch.no_grad():
        made.sharing.encoder[0].weight.mul_(1e-22)
        made.sharing.encoder[0].bias.zero_()
    given = made.batch(torch.full((4, 6), 1e22), data(4).targets)
    before = copy.deepcopy(made.state_dict())
    encoder = made.sharing.encoder[0]
    encoder.weight.register_hook(lambda gradient: gradient * 1e30)
    with pytest.raises(NonFiniteError, match="not finite"):
        step(made, [given], name)
    assert not list(differences(made.state_dict(), before))
    assert all(parameter.grad is None for parameter in made.parameters())


def test_tasks_without_labels_are_not_asked_for() -> None:
    made = model(statistics=False)
    inputs, targets = collate([data(4)[index] for index in (0, 1)])
    del targets["kind"], targets["rare"]
    record = step(made, [made.batch(inputs, targets)])
    assert record.losses.keys() == record.counts.keys() == {"amount"}
    reached = [name for name, p in made.heads.named_parameters() if p.grad is not None]
    assert reached
    assert all("amount" in name for name in reached)


def test_the_route_by_labels_is_told_by_the_batch_which_examples_have_labels() -> None:
    """A step by labels is one by rows; several sources in one step are refused."""
    results = []
    for route in ("rows", "labels"):
        made = model(statistics=False).double()
        source = made.batch(*collate([data(18)[index] for index in range(12)]))
        doubled = Batch(tuple(_double(part) for part in source.parts))
        record = _by_route(made, doubled, route)
        results.append((made.state_dict(), record.balance))
    (rows, one), (labels, two) = results
    torch.testing.assert_close(labels, rows, rtol=1e-9, atol=1e-10)
    assert one is not None and two is not None
    assert two.norms == pytest.approx(one.norms, rel=1e-10)
    assert "3 half ones" in two.passes
    made = model(statistics=False)
    parts = [part for a, b in ((0, 3), (3, 12)) for part in batch(made, a, b).parts]
    with pytest.raises(ConfigError, match="inputs that differ by task, or examples of several"):
        _by_route(made, Batch(tuple(parts)), "labels")


def _double(part: Part) -> Part:
    targets = {
        name: each.double() if each.is_floating_point() else each
        for name, each in part.targets.items()
    }
    return replace(part, inputs=part.inputs.double(), targets=targets)


def _by_route(made: MultiTaskModel, given: Batch, route: Any) -> StepRecord:
    return training_step(
        made,
        [given],
        Backward(balancer("UPGrad"), made, route=route),
        torch.optim.SGD(made.parameters(), lr=0.1),
        info=Info((), epoch=0),
        autocast=nullcontext(),
        device=torch.device("cpu"),
    )
