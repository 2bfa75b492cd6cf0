"""Fixed weights."""

import pytest
import torch

from plait.balancing import Equal, Info
from plait.core.errors import ConfigError

TASKS = ("a", "b", "c")


def weights_of(balancer: Equal, tasks: tuple[str, ...] = TASKS) -> list[float]:
    losses = torch.rand(len(tasks), requires_grad=True)
    gradient: list[float] = torch.autograd.grad(balancer.objective(losses, Info(tasks)), losses)[
        0
    ].tolist()
    return gradient


def test_the_objective_is_the_sum() -> None:
    losses = torch.tensor([1.0, 2.0, 4.0])
    assert Equal().objective(losses, Info(TASKS)).item() == 7.0
    assert weights_of(Equal()) == [1.0, 1.0, 1.0]


def test_named_tasks_get_their_weight_and_the_others_1() -> None:
    balancer = Equal(weights={"b": 0.25, "c": 3.0})
    assert weights_of(balancer) == [1.0, 0.25, 3.0]
    assert weights_of(balancer, ("c", "a")) == [3.0, 1.0]
    assert balancer.objective(torch.tensor([1.0, 2.0, 4.0]), Info(TASKS)).item() == 13.5


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_a_weight_must_be_positive(weight: float) -> None:
    with pytest.raises(ConfigError, match=r"`weights` must be positive; found .* for task 'a'"):
        Equal(weights={"a": weight})


def test_a_weight_for_no_task_is_found_at_setup() -> None:
    balancer = Equal(weights={"detph": 2.0})
    with pytest.raises(ConfigError, match=r"unknown task 'detph'.*Did you mean 'depth'"):
        balancer.setup(["depth", "mask"])
    assert balancer.tasks == ()


def test_later_changes_of_the_given_mapping_do_not_matter() -> None:
    given = {"a": 2.0}
    balancer = Equal(weights=given)
    given["a"] = 5.0
    assert weights_of(balancer) == [2.0, 1.0, 1.0]
