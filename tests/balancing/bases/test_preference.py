"""Preferences of methods on which the scale of a loss has no influence."""

import pytest
import torch
from hypothesis import given, settings

import plait.balancing
from plait.balancing import DualProj, Info, LossBalancer, UPGrad
from plait.balancing.bases.preference import PreferenceBalancer
from plait.core.errors import ConfigError, ShapeError
from plait.core.lookup import names, parameters
from tests.balancing.losses import loss_lists, positive, reading, step

METHODS = [
    name
    for name in names(plait.balancing, PreferenceBalancer)
    if issubclass(getattr(plait.balancing, name), LossBalancer)
]
TASKS = ("a", "b", "c")


def make(name: str, preference: dict[str, float] | None = None) -> LossBalancer:
    balancer = getattr(plait.balancing, name)(preference=preference)
    assert isinstance(balancer, LossBalancer)
    return balancer


def directions(balancer: LossBalancer, losses: list[list[float]]) -> list[torch.Tensor]:
    """What each task's share of the direction is, w_t L_t up to a common length, step by step."""
    found = []
    for epoch, values in enumerate(losses):
        weights = step(balancer, values, TASKS, epoch=epoch)[1]
        shares = weights * torch.tensor(values, dtype=torch.float64)
        found.append(shares / shares.sum())
        fallen = [value * share for value, share in zip(values, (0.9, 0.8, 0.95), strict=True)]
        balancer.after_step(reading(fallen, TASKS))
    return found


def test_there_are_such_methods() -> None:
    assert len(METHODS) >= 6
    assert all(getattr(plait.balancing, name).scale_free for name in METHODS)
    assert all("preference" in parameters(getattr(plait.balancing, name)) for name in METHODS)


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=15)
@given(losses=loss_lists(3, 3), scale=positive(-3, 3))
def test_the_scale_of_one_loss_changes_no_direction(
    name: str, losses: list[float], scale: float
) -> None:
    """Seven epochs, so that methods with a warm-up leave it; the first has no past."""
    history = [[(1 + 0.1 * ((3 * e + i) % 5)) * x for i, x in enumerate(losses)] for e in range(7)]
    scaled = [[scale * values[0], *values[1:]] for values in history]
    pairs = zip(directions(make(name), history), directions(make(name), scaled), strict=True)
    for one, two in list(pairs)[1:]:
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", METHODS)
def test_a_task_counts_as_its_preference(name: str) -> None:
    """From equal losses at the start, each task's share of the step is its preference."""
    balancer = make(name, {"a": 6.0, "c": 3.0})
    balancer.setup(TASKS)
    weights = step(balancer, [2.0, 2.0, 2.0], TASKS)[1]
    torch.testing.assert_close(weights / weights.sum(), weights.new_tensor([0.6, 0.1, 0.3]))


@pytest.mark.parametrize("name", METHODS)
def test_a_preference_for_all_is_none(name: str) -> None:
    history = [[1.0 + 0.1 * ((3 * e + i) % 5) for i in range(3)] for e in range(7)]
    every = directions(make(name, dict.fromkeys(TASKS, 4.0)), history)
    for one, two in zip(directions(make(name), history), every, strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_preference_is_positive(value: float) -> None:
    with pytest.raises(ConfigError, match="`preference` must be positive, and finite; found"):
        make("LogTransform", {"a": value})


def test_a_preference_names_a_task() -> None:
    balancer = make("LogTransform", {"a": 2.0})
    with pytest.raises(ConfigError, match="unknown task 'a'"):
        balancer.setup(["b"])
    assert balancer.tasks == ()
    assert balancer.preferred(("b", "a"), torch.zeros(1)).tolist() == [1.0, 2.0]
    losses = torch.ones(2, requires_grad=True)
    objective = balancer.objective(losses, Info(("b", "a")))
    assert torch.autograd.grad(objective, losses)[0].tolist() == [1.0, 2.0]


# --- in any method ----------------------------------------------------------------------------


def test_numbers_follow_the_names_or_the_rows() -> None:
    balancer = UPGrad(preference=[1.0, 2.0, 4.0])
    assert balancer.preference_of(["0", "1", "2"]).tolist() == [1.0, 2.0, 4.0]
    with pytest.raises(ShapeError, match="for each of the 2 tasks; found 3"):
        balancer.preference_of(["a", "b"])
    balancer.setup(["a", "b", "c"])
    assert balancer.preference_of(["c", "a"]).tolist() == [4.0, 1.0]


def test_names_multiply_equal_weighting() -> None:
    balancer = UPGrad(preference={"b": 3.0})
    assert balancer.preference_of(["a", "b"]).tolist() == [0.5, 1.5]
    assert UPGrad().preference_of(["a", "b"]).tolist() == [0.5, 0.5]
    with pytest.raises(ConfigError, match="unknown task 'b'"):
        balancer.setup(["a", "c"])


@pytest.mark.parametrize("name", names(plait.balancing, PreferenceBalancer))
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("named", [True, False])
def test_numbers_outside_their_range_are_refused(name: str, value: float, named: bool) -> None:
    method = getattr(plait.balancing, name)
    preference = {"a": 1.0, "b": value} if named else [1.0, value]
    if value == 0 and method in (UPGrad, DualProj):
        assert method(preference=preference).preference == preference
    else:
        with pytest.raises(ConfigError, match=r"`preference` must .*; found"):
            method(preference=preference)


def test_there_is_one_number_for_each_task() -> None:
    with pytest.raises(ShapeError, match="for each of the 1 tasks; found 2"):
        UPGrad(preference=[1.0, 2.0]).setup(["a"])
