"""Micro-batches make the step of the joined batch."""

import gc

import numpy as np
import pytest
import torch
from torch import Tensor

from plait.balancing import Equal, JacobianBalancer, UPGrad
from plait.core.errors import ConfigError
from plait.engine import Backward
from plait.engine.options import RouteChoice
from tests.engine.small import METHODS, Agreement, losses_at, new, small
from tests.gradients.nets import Losses
from tests.gradients.slow import assert_close, gradients_of


@pytest.mark.parametrize("measure", [True, False])
@pytest.mark.parametrize("balancer", [*METHODS, Agreement])
def test_micro_batches_make_the_step_of_the_joined_batch(
    balancer: str | type[JacobianBalancer], measure: bool
) -> None:
    """8 labels of a, 5 of b, 2 of c, in three micro-batches; c has none in the last."""
    model, found = small(dtype=torch.float64)
    x = torch.randn(8, 5, dtype=torch.float64)
    there = {"a": [1] * 8, "b": [1, 0, 1, 1, 0, 1, 1, 0], "c": [0, 1, 0, 0, 0, 1, 0, 0]}
    labels = torch.randn(8, dtype=torch.float64)

    def losses(rows: slice) -> Losses:
        hidden, means = torch.tanh(model["trunk"](x[rows])), {}
        for position, (task, head) in enumerate(found.items()):
            errors = (head(hidden)[:, 0] - (-1) ** position * labels[rows]).square()
            keep = torch.tensor(there[task][rows], dtype=torch.bool)
            if keep.any():
                means[task] = errors[keep].mean()
        return means

    one, two = (new(balancer) if isinstance(balancer, str) else balancer() for _ in range(2))
    penalty = model["trunk"].weight.square().sum()
    joined = Backward(one, model)(losses(slice(0, 8)), penalty)
    expected = gradients_of(model.parameters())
    model.zero_grad()

    run = Backward(two, model)
    run.start(measure=measure)
    for rows in (slice(0, 2), slice(2, 6), slice(6, 8)):
        part = losses(rows)
        shares = {task: sum(there[task][rows]) / sum(there[task]) for task in part}
        run.add(part, shares, penalty=penalty if rows.start == 0 else None)
    record = run.finish()

    assert_close(gradients_of(model.parameters()), expected, tolerance=1e-12)
    assert set(record.tasks) == set(joined.tasks)
    order = [record.tasks.index(task) for task in joined.tasks]
    np.testing.assert_allclose(record.losses[order], joined.losses)
    if joined.weights is not None:
        assert record.weights is not None
        np.testing.assert_allclose(record.weights[order], joined.weights, rtol=1e-6)
    for p, q in zip(one.parameters(), two.parameters(), strict=True):
        assert p.grad is not None and q.grad is not None
        torch.testing.assert_close(p.grad, q.grad)


@pytest.mark.slow
def test_micro_batches_of_constant_weights_take_the_memory_of_one_gradient() -> None:
    def count() -> int:
        gc.collect()
        return sum(type(t) is Tensor and t.shape == (4, 5) for t in gc.get_objects())

    model, _ = small()
    run = Backward(Equal(), model)
    before = count()
    run.start()
    for _ in range(5):
        run.add(losses_at(model, torch.randn(2, 5)), dict.fromkeys("abc", 0.2))
        assert count() == before + 1
    run.finish()


@pytest.mark.parametrize("method", ["Equal", "UPGrad", "PCGrad"])
def test_a_penalty_may_come_without_losses_at_any_time(method: str) -> None:
    """A penalty of the whole step belongs to no micro-batch."""
    model, _ = small(dtype=torch.float64)
    first, second = (torch.randn(4, 5, dtype=torch.float64) for _ in range(2))
    shares = dict.fromkeys("abc", 0.5)

    def step(*order: str) -> tuple[list[float], list[float], Tensor]:
        model.zero_grad()
        run = Backward(new(method), model)
        for part in order:
            if part == "penalty":
                run.add({}, penalty=model["trunk"].weight.square().sum())
            else:
                run.add(losses_at(model, first if part == "first" else second), shares)
        record = run.finish()
        assert record.weights is not None or method == "PCGrad"
        weights = [] if record.weights is None else record.weights.tolist()
        return record.losses.tolist(), weights, model["trunk"].weight.grad.clone()

    losses, weights, gradient = step("penalty", "first", "second")
    for order in (("first", "penalty", "second"), ("first", "second", "penalty")):
        found = step(*order)
        assert found[:2] == (losses, weights)
        torch.testing.assert_close(found[2], gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("route", ["rows", "layers", "labels"])
@pytest.mark.parametrize("shares", [(None, None), (None, 0.5), (0.5, None)])
def test_micro_batches_without_shares_are_refused(
    route: RouteChoice, shares: tuple[float | None, float | None]
) -> None:
    """Each of them would be a whole batch, of which the step had counted one alone."""
    model, _ = small()
    run = Backward(UPGrad(), model, route=route)
    first, second = (each and dict.fromkeys("abc", each) for each in shares)
    labels = {"a": torch.ones(4, dtype=torch.bool)}
    run.add(losses_at(model, torch.randn(4, 5)), first, labels=labels)
    with pytest.raises(ConfigError, match="need `shares`"):
        run.add(losses_at(model, torch.randn(4, 5)), second, labels=labels)
