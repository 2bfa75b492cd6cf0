"""Auto-Lambda on quadratics, against autograd through the step and finite differences."""

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from plait.balancing import AutoLambda
from plait.core.errors import ConfigError, NonFiniteError
from tests.balancing.problems import Quadratic, random_data
from tests.balancing.promises import same

SGD = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}


def problem(tasks: int = 3, **options: float) -> Quadratic:
    return Quadratic(*random_data(tasks), torch.linspace(-1, 1, 4), **{**SGD, **options})


def after_a_step(one: Quadratic, weights: Tensor, primary: Sequence[int]) -> Tensor:
    """The primary validation losses, as a function of the weights."""
    moved, _ = one.stepped(one.theta.detach(), weights @ one.slopes("train"))
    return one.val([moved])[list(primary)].sum()


@pytest.mark.parametrize("primary", [[0, 1, 2], [1]])
def test_weights_follow_the_gradient_through_the_step(primary: list[int]) -> None:
    one = problem()
    one.buffer = torch.linspace(0.5, -0.5, 4).double()
    names = [one.tasks[i] for i in primary]
    balancer = AutoLambda(primary=names, weight_init=0.3, meta_lr=0.01)
    weights = torch.full((3,), 0.3, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([weights], lr=0.01)
    for _ in range(4):
        adam.zero_grad()
        after_a_step(one, weights, primary).backward()
        adam.step()
        found, val = balancer.weights(one)
        assert val is None
        torch.testing.assert_close(found, weights.detach())
        one.step(found)


def test_a_task_that_hurts_the_primary_ones_gets_a_negative_weight() -> None:
    (train, val) = random_data(1)
    hurtful = {key: torch.cat([part, part]) for key, part in train.items()}
    hurtful["b"][1] = -4 * hurtful["b"][0]
    both = {key: torch.cat([part, part]) for key, part in val.items()}
    one = Quadratic(hurtful, both, torch.zeros(4), lr=0.1, tasks=("good", "bad"))
    balancer = AutoLambda(primary=["good"], meta_lr=0.05)
    before = one.val(one.parameters)[0]
    for _ in range(8):
        weights, _ = balancer.weights(one)
        one.step(weights)
    assert weights[0] > 0.1 > 0 > weights[1]
    assert one.val(one.parameters)[0] < 0.7 * before


def test_asks_for_two_forward_passes() -> None:
    one = problem()
    AutoLambda().weights(one)
    assert one.calls == {"train": 1, "val": 1}
    assert one.theta.grad is None


def test_an_absent_task_holds_its_weight() -> None:
    three, two = problem(3), problem(2)
    balancer = AutoLambda(meta_lr=0.01)
    balancer.setup(three.tasks)
    balancer.weights(three)
    before = copy.deepcopy(balancer.state_dict())
    assert len(balancer.weights(two)[0]) == 2
    after = balancer.state_dict()
    held = [key for key in before if three.tasks[2] in key]
    assert held
    assert all(torch.equal(before[key], after[key]) for key in held)
    assert not same(before, after)


def test_without_a_primary_task_the_weights_are_held() -> None:
    one = problem(2)
    balancer = AutoLambda(primary=["task 2"])
    assert balancer.weights(one)[0].tolist() == [0.1, 0.1]
    assert balancer.flag == "no primary task; weights held"
    assert one.calls == {"train": 0, "val": 0}


def test_the_state_goes_into_a_new_one() -> None:
    one = problem()
    first, second = AutoLambda(meta_lr=0.1), AutoLambda(meta_lr=0.1)
    first.weights(one)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert torch.equal(first.weights(one)[0], second.weights(one)[0])
    assert same(first.state_dict(), second.state_dict())


def test_what_is_not_finite_touches_no_state() -> None:
    one, balancer = problem(), AutoLambda()
    balancer.weights(one)
    before = copy.deepcopy(balancer.state_dict())
    one.data["train"][1][1, 0] = float("inf")
    with pytest.raises(NonFiniteError, match="'task 1'"):
        balancer.weights(one)
    assert same(before, balancer.state_dict())


def test_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="`meta_lr` must be positive; found 0"):
        AutoLambda(meta_lr=0)
    with pytest.raises(ConfigError, match="`primary` must name at least one task"):
        AutoLambda(primary=[])
    with pytest.raises(ConfigError, match="unknown task 'mak'"):
        AutoLambda(primary=["mak"]).setup(["mask", "digit"])
