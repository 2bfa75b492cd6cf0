"""What the methods with learned scales have in common."""

import pytest
import torch

import plait.balancing
from plait.balancing.bases.learned_scales import LearnedScales
from plait.balancing.contract.info import Info
from plait.core.errors import ConfigError, ShapeError
from plait.core.lookup import names
from plait.networks.joined import Joined
from tests.balancing.losses import by_hand, weights_of

every_method = pytest.mark.parametrize("name", names(plait.balancing, LearnedScales))


def make(name: str, **options: object) -> LearnedScales:
    balancer = getattr(plait.balancing, name)(**options)
    assert isinstance(balancer, LearnedScales)
    return balancer


@every_method
def test_each_task_has_one_parameter_that_starts_at_init(name: str) -> None:
    balancer = make(name, tasks=["a", "b.c"], init=0.25)
    assert [s.item() for s in balancer.parameters()] == [0.25, 0.25]
    assert dict(balancer.scales) == dict(zip(balancer.scales, balancer.parameters(), strict=True))
    assert (balancer.learns, balancer.positive_losses) == (True, True)


@every_method
def test_a_second_setup_keeps_what_was_learned(name: str) -> None:
    balancer = make(name, tasks=["a", "b"])
    with torch.no_grad():
        next(balancer.parameters()).fill_(2.0)
    balancer.setup(["b", "a"])
    assert [s.item() for s in balancer.parameters()] == [2.0, 0.0]


@every_method
@pytest.mark.parametrize("outside", [-50.0, 50.0])
def test_a_scale_is_cut_at_the_bound_when_it_is_read(name: str, outside: float) -> None:
    balancer = make(name, tasks=["a", "b"], bound=3.0)
    first, second = balancer.parameters()
    with torch.no_grad():
        first.fill_(outside)
    s = balancer.read(["b", "a"], torch.zeros(2, dtype=torch.float64))
    assert s.tolist() == [0.0, max(-3.0, min(3.0, outside))]
    assert s.dtype == torch.float64
    # The way back is open: a clamp inside the graph would have no slope there
    assert torch.autograd.grad(s.sum(), [first, second]) == (1.0, 1.0)


@every_method
def test_by_hand_the_tasks_are_those_of_the_setup(name: str) -> None:
    balancer = make(name, tasks=["a", "b"])
    assert by_hand(balancer, [1.0, 2.0]) == weights_of(balancer, [1.0, 2.0], ("a", "b"))
    with pytest.raises(ShapeError, match="for each of the 2 tasks; found 1"):
        by_hand(balancer, [1.0])


@every_method
def test_what_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="`bound` must be positive; found 0"):
        make(name, bound=0)
    with pytest.raises(ConfigError, match="knows no task 'b'; call `setup`"):
        weights_of(make(name, tasks=["a"]), [1.0], ("b",))


@every_method
@pytest.mark.parametrize("present", [["a", "b", "c"], ["c", "a"], ["b"]])
def test_joined_scales_are_read_and_learned_as_those_that_stand_alone(
    name: str, present: list[str]
) -> None:
    tasks, values = ["a", "b", "c"], [0.5, 20.0, -20.0]
    alone, together = (make(name, tasks=tasks, bound=3.0) for _ in range(2))
    joined = Joined(dict(zip(tasks, together.parameters(), strict=True)))
    for balancer in (alone, together):
        with torch.no_grad():
            for s, value in zip(balancer.parameters(), values, strict=True):
                s.fill_(value)
    losses, info = torch.rand(len(present)), Info(tuple(present))
    weights, learned = alone.slopes(losses, info)
    found, ((whole, gradient),) = together.slopes(losses, info)
    assert torch.equal(found, weights)
    assert whole is joined.whole
    own = {id(s): each for s, each in learned}
    for row, s in enumerate(alone.parameters()):
        expected = own.get(id(s), torch.tensor(0.0))
        torch.testing.assert_close(gradient[row], expected)
    assert [s.item() for s in together.parameters()] == [s.item() for s in alone.parameters()]
