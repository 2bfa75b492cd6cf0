"""Tasks that are differentiated in turn, against the method by hand on the rows of all tasks."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.balancing import Info, StaleRows, TransformedLosses, TrimmedMean, UPGrad
from plait.core.errors import ConfigError, NonFiniteError
from plait.engine import Backward, backward
from tests.balancing.promises import same
from tests.engine.loops import Net, count_passes, rows_of, weighted
from tests.gradients.nets import Losses, losses_of
from tests.gradients.slow import Gradients, assert_close, gradients_of

PRESENT = ["ab", "abc", "c", "ba", "cab", "b", "abc", "abc"]
MAKE: list[Callable[[], StaleRows]] = [
    StaleRows,
    lambda: StaleRows(tasks_per_step=2, returns="direction"),
    lambda: StaleRows(TrimmedMean(), beta=0.5),
    lambda: StaleRows(TransformedLosses(), beta=0.3),
]


def by_hand(
    balancer: StaleRows, losses: Losses, shared: Sequence[Tensor], others: Sequence[Tensor]
) -> Gradients:
    """Cuts the direction of all rows up, by parameter; the others get the sum of the losses."""
    values = torch.stack([loss.detach() for loss in losses.values()])
    info = Info(tuple(losses), losses=values)
    scale = float(len(losses)) if balancer.equal_weight == "mean" else 1.0
    turns = balancer.turns(info.tasks)
    rows = rows_of({task: losses[task] for task in turns}, shared)
    direction = balancer.follow(rows, turns, info, scale=scale)
    pieces = direction.split([parameter.numel() for parameter in shared])
    found = {id(p): g.view_as(p) for p, g in zip(shared, pieces, strict=True)}
    return found | weighted(losses, others)


@pytest.mark.parametrize("make", MAKE)
def test_is_the_method_on_all_rows_and_heads_get_theirs(make: Callable[[], StaleRows]) -> None:
    net, slow, fast = Net(), make(), make()
    run = Backward(fast, net)
    for tasks in PRESENT:
        net.zero_grad()
        losses = net.losses(tasks)
        expected = by_hand(slow, losses, net.lower(), net.upper(tasks))
        record = run(losses)
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-10)
        assert record.tasks == tuple(tasks)
        if slow.last_weights is not None:
            scale = len(tasks) if slow.equal_weight == "mean" else 1
            assert record.weights == pytest.approx((scale * slow.last_weights).tolist())
    assert {key.partition(":")[0] for key in fast.momenta.state_dict()} == {"task"}


@pytest.mark.parametrize("make", MAKE)
def test_micro_batches_are_the_joined_batch(make: Callable[[], StaleRows]) -> None:
    """Tasks come with any micro-batch, in any order; the turns of the joined batch are in one."""
    nets = [Net(), Net()]
    nets[1].load_state_dict(nets[0].state_dict())
    runs = [Backward(make(), net) for net in nets]
    for run in runs:
        run.balancer.setup(tuple("abc"))
    for position in range(5):
        parts = [torch.randn(6, 5, dtype=torch.float64) for _ in range(2)]
        for net in nets:
            net.zero_grad()
        whole = losses_of(nets[0].trunk(torch.cat(parts)).tanh(), nets[0].heads)
        runs[0](whole)
        runs[1].start()
        for part in parts if position % 2 else parts[::-1]:
            found = losses_of(nets[1].trunk(part).tanh(), nets[1].heads)
            order = "abc" if part is parts[0] else "cab"
            runs[1].add({task: found[task] for task in order}, dict.fromkeys(order, 0.5))
        runs[1].finish()
        one, two = (list(gradients_of(net.parameters()).values()) for net in nets)
        for first, second in zip(one, two, strict=True):
            torch.testing.assert_close(first, second)


def test_a_new_task_in_a_later_micro_batch_is_differentiated_as_well() -> None:
    net = Net()
    run = Backward(StaleRows(), net)
    run(net.losses("ab"))
    run.start()
    run.add(net.losses("ab"), {"a": 0.5, "b": 1.0})
    run.add(net.losses("ac"), {"a": 0.5, "c": 1.0})
    run.finish()
    assert "c" in run.balancer.momenta
    counts = run.balancer.counts.get("abc", torch.zeros(()))
    assert counts.tolist() == [2.0, 1.0, 1.0]


def test_the_turn_is_among_the_tasks_of_the_whole_step_where_they_are_named() -> None:
    """Two micro-batches with one task each: the second has the one that waits longer."""
    for named, expected in ((("c", "b"), [1.0, 2.0]), ((), [2.0, 1.0])):
        net = Net()
        run = Backward(StaleRows(), net)
        run(net.losses())
        run.start(Info(named))
        for task in "cb":
            run.add(net.losses(task), {task: 1.0})
        record = run.finish()
        assert record.tasks == ("c", "b")
        assert run.balancer.counts.get("cb", torch.zeros(())).tolist() == expected


@pytest.mark.parametrize("per_step", [1, 2])
def test_only_the_tasks_in_turn_pass_through_the_trunk(per_step: int) -> None:
    net, passes = Net(), list[int]()
    run = Backward(StaleRows(tasks_per_step=per_step), net)
    for number in range(4):
        hidden = net.trunk(torch.randn(6, 5, dtype=torch.float64))
        passes.clear()
        run(losses_of(count_passes(hidden, passes).tanh(), net.heads))
        assert len(passes) == (per_step if number else 3)
        matrix = run.memory.rows._matrix
        assert matrix is None if not number else len(matrix) == per_step  # no [T, P] buffer stays


class Partly(nn.Module):
    """A trunk of all tasks, and a middle that b and c share."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.middle = nn.Linear(4, 3), nn.Linear(3, 3)
        self.heads = nn.ModuleDict({task: nn.Linear(3, 1) for task in "abc"})
        self.double()

    def losses(self, tasks: str) -> Losses:
        low = self.trunk(torch.randn(5, 4, dtype=torch.float64)).tanh()
        high = self.middle(low).tanh()
        found = {t: self.heads[t](low if t == "a" else high) for t in tasks}
        return {t: (y - 1).square().mean() for t, y in found.items()}


def test_a_parameter_gets_a_gradient_where_a_task_present_reaches_it() -> None:
    """Whoever has the turn; what is not reached keeps its average, as an optimizer's does."""
    net, balancer = Partly(), StaleRows(UPGrad(), beta=0.5)
    run = Backward(balancer, net)
    for tasks in ["abc", "abc", "a", "abc", "bc", "a"]:
        net.zero_grad()
        run(net.losses(tasks))
        reached = {id(p) for p in net.trunk.parameters()}
        reached |= {id(p) for p in net.middle.parameters()} if tasks != "a" else set()
        reached |= {id(p) for t in tasks for p in net.heads[t].parameters()}
        assert set(gradients_of(net.parameters())) == reached
        assert balancer.last.rows(["direction"], torch.empty(0, 27))[0].all()


def test_what_turns_out_to_be_shared_is_a_row_for_all() -> None:
    """A head of one task in the first micro-batch that two tasks read in the second."""
    own, trunk = (torch.randn(2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    run = Backward(StaleRows(UPGrad(), returns="direction"))
    run({"a": (trunk * own).sum(), "b": trunk.square().sum()})  # both have had a turn
    own.grad = trunk.grad = None
    run.start()
    run.add({"a": trunk.sum(), "b": (own + trunk).sum()}, {"a": 0.5, "b": 0.5})
    run.add({"a": (own * trunk).sum(), "b": trunk.sum()}, {"a": 0.5, "b": 0.5})
    run.finish()
    assert own in run.memory.rows.layout
    found = gradients_of([own, trunk])
    assert set(found) == {id(own), id(trunk)}


def test_other_leaves_get_the_plain_sum() -> None:
    net = Net()
    x = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    balancer = StaleRows()
    for _ in range(2):
        x.grad = None
        losses = losses_of(net.trunk(x).tanh(), net.heads)
        expected = weighted(losses, [x])
        backward(losses, balancer)
        assert_close(gradients_of([x]), expected)


def test_a_gradient_that_is_not_finite_leaves_all_as_it_was() -> None:
    net = Net()
    run = Backward(StaleRows(TrimmedMean()), net)
    skipping = Backward(StaleRows(), net, nonfinite="skip")
    for each in (run, skipping):
        each(net.losses())
        net.zero_grad()
        before = copy.deepcopy(each.balancer.state_dict())
        losses = net.losses()
        change = net.trunk[0].weight - net.trunk[0].weight.detach()
        losses["a"] = losses["a"] + change.square().sum().sqrt()
        if each is run:
            with pytest.raises(NonFiniteError, match="the gradient of task 'a' is not finite"):
                each(losses)
        else:
            skipped = each(losses).skipped
            assert skipped is not None and "task 'a'" in skipped
        assert not gradients_of(net.parameters())
        assert same(before, each.balancer.state_dict())


@pytest.mark.parametrize("options", [{"every": 2}, {"head_weights": "task"}, {"route": "layers"}])
def test_options_that_it_cannot_have_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="StaleRows"):
        Backward(StaleRows(), **options)
