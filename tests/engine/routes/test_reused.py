"""Weights that serve several steps."""

import copy
import io
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from plait.balancing import (
    MGDA,
    MoDo,
    PCGrad,
    SDMGrad,
    UPGrad,
)
from plait.core.errors import NonFiniteError
from plait.engine import Backward, Record, backward
from tests.engine.loops import Net, rows_of, together, weighted
from tests.gradients.nets import Losses
from tests.gradients.slow import assert_close, gradients_of
from tests.training.problem import differences


def found_weights(net: Net, losses: Losses) -> list[float]:
    rows = rows_of(losses, net.lower())
    weights: list[float] = (len(losses) * MGDA().weights(rows @ rows.T)).tolist()
    return weights


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize("route", ["rows", "layers"])
@pytest.mark.parametrize("every", [1, 2, 3])
def test_weights_are_found_at_every_kth_step(every: int, route: Any, head_weights: Any) -> None:
    """In between, heads get their own gradient and the trunk that of the weights so far."""
    net = Net()
    run = Backward(MGDA(), net, route=route, every=every, head_weights=head_weights)
    weights: list[float] = []
    for step in range(7):
        losses = net.losses()
        if step % every == 0:
            weights = found_weights(net, losses)
        at_heads = weights if head_weights == "task" else None
        expected = weighted(losses, net.lower(), weights) | weighted(losses, net.upper(), at_heads)
        net.zero_grad()
        record = run(losses)
        assert record.reused == (step % every != 0)
        assert (record.norms is None) == record.reused
        assert record.weights == pytest.approx(weights, rel=1e-9)
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


def test_the_one_line_form_counts_the_steps_too() -> None:
    net, balancer = Net(), UPGrad()
    reused = [backward(net.losses(), balancer, every=3).reused for _ in range(6)]
    assert reused == [False, True, True, False, True, True]


def test_another_task_has_the_weights_found_again() -> None:
    net = Net()
    run = Backward(MGDA(), net, every=4)
    present = ["ab", "ba", "a", "abc", "cb", "a", "c", "abc"]
    found = [False, True, True, False, True, True, True, False]
    weights: dict[str, float] = {}
    for tasks, reused in zip(present, found, strict=True):
        losses = net.losses(tasks)
        if not reused:
            weights = dict(zip(losses, found_weights(net, losses), strict=True))
        record = run(losses)
        assert record.tasks == tuple(tasks)
        assert record.reused == reused
        assert record.weights == pytest.approx([weights[task] for task in tasks], rel=1e-9)


@pytest.mark.parametrize("every", [2, 3])
@pytest.mark.parametrize(
    "method", [MoDo, lambda: MoDo(batches=3), lambda: SDMGrad(solver="sgd", lr=0.1)]
)
def test_weights_of_several_batches_count_as_in_the_step_of_theirs(method: Any, every: int) -> None:
    net, balancer = Net(), method()
    run = Backward(balancer, net, every=every)
    for step in range(2 * every):
        torch.manual_seed(step)
        batches = [net.losses(rows=rows) for rows in (6, 3, 4)[: balancer.batches]]
        state = copy.deepcopy(balancer.state_dict())
        net.zero_grad()
        record = run(batches)
        torch.manual_seed(step)
        batches = [net.losses(rows=rows) for rows in (6, 3, 4)[: balancer.batches]]
        assert record.reused == (step % every != 0)
        assert record.weights is not None
        if record.reused:
            assert not list(differences(balancer.state_dict(), state))
        weights = record.weights.tolist()
        expected = together(
            *(
                (f, weighted(b, net.lower(), weights) | weighted(b, net.upper()))
                for f, b in zip(balancer.applied, batches, strict=True)
                if f
            )
        )
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


def test_a_task_that_only_the_second_batch_has_is_left_out_of_reused_weights() -> None:
    net = Net()
    run = Backward(MoDo(), net, every=2)
    run([net.losses("ab"), net.losses("ab")])
    net.zero_grad()
    torch.manual_seed(1)
    record = run([net.losses("ab"), net.losses("bc")])
    torch.manual_seed(1)
    one, two = net.losses("ab"), net.losses("bc")
    assert record.reused and record.weights is not None
    weights = dict(zip("ab", record.weights.tolist(), strict=True))
    two = {"b": two["b"]}
    expected = together(
        (0.5, weighted(one, net.lower(), weights.values()) | weighted(one, net.upper())),
        (0.5, weighted(two, net.lower(), [weights["b"]]) | weighted(two, net.upper())),
    )
    assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


def in_parts(net: Net, run: Backward, step: int, cuts: list[str]) -> tuple[Record, Losses]:
    """A step in micro-batches of equal size, with the tasks that each of them has."""
    run.start()
    total: dict[str, Tensor] = {}
    for part, tasks in enumerate(cuts):
        torch.manual_seed(10 * step + part)
        losses = net.losses(tasks)
        shares = {task: 1 / sum(task in other for other in cuts) for task in tasks}
        run.add(losses, shares)
        torch.manual_seed(10 * step + part)
        for task, loss in net.losses(tasks).items():
            piece = loss * shares[task]
            total[task] = total[task] + piece if task in total else piece
    return run.finish(), total


@pytest.mark.parametrize("head_weights", ["unit", "task"])
def test_micro_batches_of_a_step_have_the_same_weights(head_weights: Any) -> None:
    net, balancer = Net(), MGDA()
    balancer.setup(tuple("abc"))
    run = Backward(balancer, net, every=3, head_weights=head_weights)
    plans = [
        (["abc", "abc"], False),
        (["ab", "c"], True),
        (["c", "b", "abc"], True),
        (["ab", "b"], False),  # c has no weight from here on
        (["ba", "ab"], True),
        (["a", "c"], True),  # of a step that began with known tasks: c counts as in equal weighting
        (["cba", "b"], False),
    ]
    known: dict[str, float] = {}
    for step, (cuts, reused) in enumerate(plans):
        net.zero_grad()
        record, losses = in_parts(net, run, step, cuts)
        assert record.reused == reused
        assert record.weights is not None
        weights = dict(zip(record.tasks, record.weights.tolist(), strict=True))
        ordered = {task: losses[task] for task in "abc" if task in losses}
        if not reused:
            known = dict(zip(ordered, found_weights(net, ordered), strict=True))
        assert weights == pytest.approx({task: known.get(task, 1.0) for task in losses}, rel=1e-9)
        each = [weights[task] for task in losses]
        at_heads = each if head_weights == "task" else None
        expected = weighted(losses, net.lower(), each) | weighted(losses, net.upper(), at_heads)
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


@pytest.mark.parametrize("stop", range(1, 6))
def test_resumes_exactly_in_the_middle_of_a_period(stop: int) -> None:
    net = Net()

    def steps(run: Backward, first: int, last: int) -> list[Tensor]:
        seen = []
        for step in range(first, last):
            torch.manual_seed(step)
            net.zero_grad()
            run(net.losses())
            seen += [p.grad.clone() for p in net.parameters() if p.grad is not None]
        return seen

    whole = Backward(PCGrad(seed=3), net, every=3)
    steps(whole, 0, stop)
    file = io.BytesIO()
    torch.save([whole.state_dict(), whole.balancer.state_dict()], file)
    file.seek(0)
    expected = steps(whole, stop, 8)
    state, balancer = torch.load(file, weights_only=True)
    resumed = Backward(PCGrad(seed=9), net, every=3)
    resumed.load_state_dict(state)
    resumed.balancer.load_state_dict(balancer)
    assert all(map(torch.equal, steps(resumed, stop, 8), expected))
    assert resumed.state_dict() == whole.state_dict()


def test_a_loaded_state_serves_the_micro_batches_that_come_next() -> None:
    net = Net()
    whole, resumed = (Backward(MGDA(), net, every=2) for _ in range(2))
    whole(net.losses())
    resumed.load_state_dict(whole.state_dict())
    resumed.add(net.losses("ab"), dict.fromkeys("ab", 1.0))
    resumed.add(net.losses("c"), {"c": 1.0})
    assert resumed.finish().reused
    assert resumed.memory.age == 1


def test_an_error_does_not_count_as_a_step() -> None:
    net = Net()
    run = Backward(MGDA(), net, every=3)
    run(net.losses())
    for _ in range(3):
        with pytest.raises(NonFiniteError):
            run({"a": net.losses()["a"] * math.nan})
    assert [run(net.losses()).reused for _ in range(3)] == [True, True, False]
