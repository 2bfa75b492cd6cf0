"""StaleRows, against the recursion as a slow loop, and what it is without memory."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from plait.balancing import (
    CAGrad,
    ConFIG,
    GradNorm,
    GradVac,
    GramianBalancer,
    Info,
    JacobianBalancer,
    MoDo,
    PCGrad,
    StaleRows,
    TransformedLosses,
    TrimmedMean,
    UPGrad,
)
from plait.core.errors import ConfigError
from tests.balancing.promises import same

Method = GramianBalancer | JacobianBalancer
NAMES = ("a", "b", "c", "d")
INNER: list[Callable[[], Method]] = [UPGrad, ConFIG, CAGrad, TrimmedMean, lambda: PCGrad(seed=3)]
ALWAYS: list[Sequence[str]] = [NAMES] * 9
SOMETIMES: list[Sequence[str]] = [
    ("b", "a"),
    *(NAMES, ("a", "b"), ("c",), ("d", "c", "a"), ("b", "d"), ("a", "c"), NAMES, ("b",)),
]


def directly(method: Method, rows: Tensor, info: Info) -> Tensor:
    """What a method makes of rows."""
    if isinstance(method, GramianBalancer):
        return method.weights(rows @ rows.T, info) @ rows
    return method.combine(rows, info)


class Slow:
    """The recursion of the docstring, a task and a number at a time."""

    def __init__(self, method: Method, per_step: int, beta: float) -> None:
        self.method, self.per_step, self.beta = method, per_step, beta
        self.momenta: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.turned: dict[str, int] = {}
        self.average: Tensor | float = 0.0
        self.k = 0

    def step(self, gradients: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns (d, g')."""
        b = self.beta
        self.k += 1
        new = [task for task in gradients if task not in self.momenta]
        old = sorted((self.turned[task], task) for task in gradients if task in self.momenta)
        for task in [*new, *(task for _, task in old)][: max(self.per_step, len(new))]:
            before = self.momenta.get(task, torch.zeros_like(gradients[task]))
            self.momenta[task] = b * before + (1 - b) * gradients[task]
            self.counts[task] = self.counts.get(task, 0) + 1
            self.turned[task] = self.k
        hats = [self.momenta[task] / (1 - b ** self.counts[task]) for task in gradients]
        d = directly(self.method, torch.stack(hats), Info(tuple(gradients)))
        average, before = (1 - b**self.k) * d, self.average
        self.average = average
        return d, (average - b * before) / (1 - b)


@pytest.mark.parametrize("present", [ALWAYS, SOMETIMES], ids=["always", "sometimes"])
@pytest.mark.parametrize("per_step", [1, 2, 4])
@pytest.mark.parametrize("inner", INNER)
def test_is_the_recursion(
    inner: Callable[[], Method], per_step: int, present: list[Sequence[str]]
) -> None:
    slow = Slow(inner(), per_step, 0.6)
    gradient, direction = (
        StaleRows(inner(), tasks_per_step=per_step, beta=0.6, returns=returns)
        for returns in ("gradient", "direction")
    )
    for tasks in present:
        jacobian = torch.randn(len(tasks), 7, dtype=torch.float64)
        d, g = slow.step(dict(zip(tasks, jacobian, strict=True)))
        torch.testing.assert_close(direction.combine(jacobian, Info(tuple(tasks))), d)
        torch.testing.assert_close(gradient.combine(jacobian, Info(tuple(tasks))), g)


@pytest.mark.parametrize("returns", ["gradient", "direction"])
@pytest.mark.parametrize("inner", INNER)
def test_all_tasks_without_memory_are_the_inner_method(
    inner: Callable[[], Method], returns: str
) -> None:
    balancer = StaleRows(inner(), tasks_per_step=4, beta=0.0, returns=returns)
    method = inner()
    for tasks in SOMETIMES:
        jacobian, info = torch.randn(len(tasks), 6, dtype=torch.float64), Info(tuple(tasks))
        expected = directly(method, jacobian, info)
        torch.testing.assert_close(balancer.combine(jacobian, info), expected)


def test_adam_on_it_is_m_config() -> None:
    """The whole recursion of the paper: momenta, pseudo-gradient, its squares, plain SGD."""
    target = torch.randn(3, 5, dtype=torch.float64)
    parameter = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([parameter], lr=0.1, betas=(0.9, 0.999), eps=1e-8)
    balancer, slow = StaleRows(ConFIG()), Slow(ConFIG(), 1, 0.9)
    theta, square = torch.zeros(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    for k in range(1, 30):
        parameter.grad = balancer.combine(parameter.detach() - target, Info(("a", "b", "c")))
        adam.step()
        rows = dict(zip("abc", theta - target, strict=True))
        d, g = slow.step(rows)
        square = 0.999 * square + 0.001 * g**2
        theta = theta - 0.1 * d / ((square / (1 - 0.999**k)).sqrt() + 1e-8)
        torch.testing.assert_close(parameter.detach(), theta)


def test_each_task_has_its_turn_and_a_new_one_at_once() -> None:
    balancer = StaleRows(UPGrad())
    seen: list[tuple[str, ...]] = []
    for tasks in [NAMES[:3]] * 7 + [("b", "c")] * 2 + [NAMES] * 4:
        seen.append(balancer.turns(tasks))
        assert balancer.turns(tasks) == seen[-1]  # asking moves nothing
        balancer.combine(torch.randn(len(tasks), 3), Info(tasks))
    turned = ["abc", *"abcabc", *"bc", "d", *"abc"]
    assert ["".join(each) for each in seen] == turned


def test_turns_count_over_micro_batches() -> None:
    balancer = StaleRows(UPGrad(), tasks_per_step=2)
    balancer.combine(torch.randn(4, 3), Info(NAMES))
    assert balancer.turns(("d", "c", "b")) == ("c", "b")
    assert balancer.turns(("d", "c"), taken=1) == ("c",)
    assert balancer.turns(("d", "c"), taken=2) == ()
    assert balancer.turns(("d", "new"), taken=2) == ("new",)


def test_inner_products_are_those_of_the_momenta_whoever_was_absent() -> None:
    balancer = StaleRows(UPGrad(), beta=0.5)
    for tasks in [*SOMETIMES, *SOMETIMES[::-1]]:
        balancer.combine(torch.randn(len(tasks), 5), Info(tuple(tasks)))
        like = torch.empty(0, 5)
        counts = balancer.counts.get(tasks, torch.zeros(())).double()
        hats = torch.stack(balancer.momenta.rows(tasks, like)).double() / (1 - 0.5**counts)[:, None]
        assert balancer.gramian is not None
        np.testing.assert_allclose(balancer.gramian, hats @ hats.T, rtol=1e-12)
        assert np.array_equal(balancer.gramian, balancer.gramian.T)


def test_a_resumed_run_goes_on_to_the_last_bit() -> None:
    whole = StaleRows(PCGrad(), beta=0.7)
    for tasks in SOMETIMES:
        whole.combine(torch.randn(len(tasks), 5), Info(tuple(tasks)))
    resumed = StaleRows(PCGrad(seed=9), beta=0.7)
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for tasks in SOMETIMES:
        jacobian, info = torch.randn(len(tasks), 5), Info(tuple(tasks))
        assert torch.equal(whole.combine(jacobian, info), resumed.combine(jacobian, info))
    assert same(whole.state_dict(), resumed.state_dict())


def test_what_it_returns_may_be_edited() -> None:
    balancer, twin = StaleRows(UPGrad()), StaleRows(UPGrad())
    for _ in range(4):
        jacobian = torch.randn(3, 5)
        balancer.combine(jacobian).zero_()
        twin.combine(jacobian)
    assert same(balancer.state_dict(), twin.state_dict())


def test_columns_that_nobody_moves_do_not_pull_back() -> None:
    """Their average stays as it was, as that of an optimizer without a gradient does."""
    balancer = StaleRows(UPGrad(), beta=0.5)
    rows = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
    balancer.combine(rows, Info(("a", "b")))
    before = balancer.last.rows(["direction"], rows)[0]
    idle = [slice(2, 3)]
    balancer.follow(rows[1:], ["b"], Info(("b",)), idle=idle)
    after = balancer.last.rows(["direction"], rows)[0]
    assert after[2] == before[2] > 0
    assert after[0] == 0


def test_a_scale_multiplies_the_direction() -> None:
    one, two = StaleRows(UPGrad()), StaleRows(UPGrad())
    for k in range(3):
        rows = torch.randn(1 if k else 2, 4, dtype=torch.float64)
        turns = ["ab"[k % 2]] if k else ["a", "b"]
        plain, info = one.follow(rows, turns, Info(("a", "b"))), Info(("a", "b"))
        torch.testing.assert_close(two.follow(rows, turns, info, scale=2.0), 2 * plain)


def test_declares_what_the_inner_method_does() -> None:
    balancer = StaleRows(TransformedLosses(PCGrad(reduction="mean")))
    assert (balancer.equal_weight, balancer.positive_losses) == ("mean", True)
    assert balancer.scale_free
    assert balancer.row_buffers == 1
    assert "method.method" in dict(balancer.named_modules())


@pytest.mark.parametrize(
    "method", [GradNorm, MoDo, lambda: GradVac(groups="matrix")], ids=["last layer", "batches", "g"]
)
def test_a_method_that_reads_more_than_one_row_is_refused(method: Callable[[], Method]) -> None:
    with pytest.raises(ConfigError, match="`method` must read one gradient of each task"):
        StaleRows(method())


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="`method` must not be StaleRows itself"):
        StaleRows(StaleRows())
    with pytest.raises(ConfigError, match="`tasks_per_step` must be at least 1; found 0"):
        StaleRows(tasks_per_step=0)
    with pytest.raises(ConfigError, match=r"`beta` must be in \[0, 1\); found 1"):
        StaleRows(beta=1.0)
    with pytest.raises(ConfigError, match="`returns` must be 'gradient' or 'direction'; found"):
        StaleRows(returns="momentum")
