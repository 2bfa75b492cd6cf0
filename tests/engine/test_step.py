"""Weights that serve several steps, and steps that are skipped."""

import copy
import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.balancing import (
    DWA,
    FAMO,
    MGDA,
    Balancer,
    Equal,
    ExcessMTL,
    GradNorm,
    GradVac,
    MoCo,
    MoDo,
    PCGrad,
    SDMGrad,
    UncertaintyWeights,
    UPGrad,
)
from plait.core.errors import NonFiniteError
from plait.engine import Backward, Record, backward
from tests.engine.loops import Net, rows_of, together, weighted
from tests.gradients.nets import Losses
from tests.gradients.slow import assert_close, gradients_of
from tests.training.problem import differences

# --- weights for several steps ----------------------------------------------------------------


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


# --- steps that are skipped -------------------------------------------------------------------

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
FORMS_ROWS = [kind for kind in METHODS if kind not in ("constant", "losses", "learned", "reused")]


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
    [*((kind, "loss") for kind in METHODS), *((kind, "row") for kind in FORMS_ROWS)],
)
def test_a_step_that_is_not_finite_is_skipped_as_if_it_had_not_been(
    kind: str, broken: str, before: bool
) -> None:
    make, options = METHODS[kind]
    net = Net()
    run, twin = (Backward(make(), net, nonfinite="skip", **options) for _ in range(2))
    for seed in range(2):
        for each in (run, twin):
            each(batches_of(net, each.balancer, seed))
    if not before:
        net.zero_grad()
    grads, state = gradients_of(net.parameters()), copy.deepcopy(run.balancer.state_dict())
    learned = gradients_of(run.balancer.parameters())
    memory = run.state_dict()
    for position in range(run.balancer.batches):
        batches = batches_of(net, run.balancer, 7)
        bad = batches[position]
        batches[position] = broken_loss(bad) if broken == "loss" else broken_row(net, bad)
        if broken == "row" and position == 2:
            continue  # the third batch forms no rows
        record = run(batches)
        assert record.skipped is not None and "'b'" in record.skipped
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
        record = each(batches_of(net, each.balancer, 3))
        assert record.skipped is None
        results.append((record.weights, gradients_of(net.parameters())))
    assert_close(results[0][1], results[1][1], tolerance=0.0)


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        *((kind, "loss") for kind in ("constant", "losses", "rows", "state of rows", "reused")),
        *((kind, "row") for kind in ("losses", "rows", "state of rows")),
    ],
)
def test_one_micro_batch_has_the_whole_step_skipped(kind: str, broken: str, position: int) -> None:
    make, options = METHODS[kind]
    net, balancer = Net(), make()
    run = Backward(balancer, net, nonfinite="skip", **options)
    run(net.losses())
    net.zero_grad()
    state = copy.deepcopy(balancer.state_dict())
    run.start()
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
    assert run(net.losses()).skipped is None
    assert len(gradients_of(net.parameters())) == len([*net.parameters()])


def test_a_penalty_that_is_not_finite_has_the_step_skipped() -> None:
    net = Net()
    run = Backward(UPGrad(), net, nonfinite="skip")
    record = run(net.losses(), {"decay": net.trunk[0].weight.sum() * math.inf})
    assert record.skipped is not None and "the penalty 'decay' is" in record.skipped
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
