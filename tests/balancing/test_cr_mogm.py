"""Momentum on another method's weights."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import CRMOGM, Info, Krum, PCGrad, UPGrad
from plait.core.errors import ConfigError, NonFiniteError

NAMES = ("a", "b.c", "d")


def gramians(count: int, tasks: int = 3, seed: int = 0) -> torch.Tensor:
    rows = torch.randn(count, tasks, 4, generator=torch.Generator().manual_seed(seed)).double()
    return rows @ rows.mT


@given(st.floats(0, 0.99), st.sampled_from(["first", "equal"]), st.integers(0, 1000))
def test_is_the_exponential_average_in_closed_form(alpha: float, initial: str, seed: int) -> None:
    steps = gramians(6, seed=seed)
    raw = [UPGrad().weights(gramian).numpy() for gramian in steps]
    start = raw[0] if initial == "first" else np.full(3, 1 / 3)
    balancer = CRMOGM(UPGrad(), alpha=alpha, initial=initial)
    for k, gramian in enumerate(steps, start=1):
        shares = (1 - alpha) * alpha ** np.arange(k - 1, -1, -1)
        expected = alpha**k * start + shares @ np.array(raw[:k])
        np.testing.assert_allclose(balancer.weights(gramian), expected, rtol=1e-9)


def test_equal_is_equal_weighting_on_the_scale_of_the_inner_method() -> None:
    gramian = torch.tensor([[1.0, -0.5], [-0.5, 1.0]])
    assert CRMOGM(PCGrad(), alpha=0.5, initial="equal").weights(gramian).tolist() == [1.25, 1.25]
    mean = CRMOGM(PCGrad(reduction="mean"), alpha=0.5, initial="equal")
    assert mean.weights(gramian).tolist() == [0.625, 0.625]


def test_without_momentum_it_is_the_inner_method() -> None:
    inner, outer = PCGrad(seed=3), CRMOGM(PCGrad(seed=3), alpha=0.0)
    for gramian in gramians(4, tasks=4):
        assert torch.equal(inner.weights(gramian), outer.weights(gramian))
    orders = [[1, 2, 3], [2, 0, 3], [3, 0, 1], [0, 1, 2]]
    inner_weights = inner.weights(gramian, orders=orders)
    assert torch.equal(inner_weights, outer.weights(gramian, orders=orders))


def test_simplex_weights_stay_on_the_simplex() -> None:
    balancer = CRMOGM(Krum(f=0, m=1), alpha=0.7)
    for gramian in gramians(20):
        weights = balancer.weights(gramian)
        assert weights.min() >= 0
        assert weights.sum().item() == pytest.approx(1)


def test_alpha_follows_the_learning_rate() -> None:
    steps = gramians(4)
    raw = [UPGrad().weights(gramian) for gramian in steps]
    balancer = CRMOGM(alpha=None)
    expected = raw[0]
    # The second rate is a warm-up: alpha stays 0; then 1 - 0.1 / 0.4 and 1 - 0.4 / 0.4
    for gramian, v, rate, alpha in zip(
        steps, raw, [0.2, 0.4, 0.1, 0.4], [0, 0, 0.75, 0], strict=True
    ):
        expected = alpha * expected + (1 - alpha) * v
        found = balancer.weights(gramian, Info(("0", "1", "2"), learning_rate=rate))
        torch.testing.assert_close(found, expected)


def test_alpha_from_an_unknown_learning_rate_is_refused() -> None:
    with pytest.raises(ConfigError, match="reads the learning rate; found none so far"):
        CRMOGM(alpha=None).weights(torch.eye(2))


@pytest.mark.parametrize("absent", [True, False])
def test_a_task_that_is_absent_or_has_no_gradient_keeps_its_weight(absent: bool) -> None:
    balancer = CRMOGM()
    for gramian in gramians(3):
        balancer.weights(gramian, Info(NAMES))
    before = copy.deepcopy(balancer.state_dict())
    if absent:
        balancer.weights(gramians(1, 2, 7)[0], Info(("d", "a")))
    else:
        gramian = gramians(1, 3, 7)[0]
        gramian[1] = gramian[:, 1] = 0
        assert balancer.weights(gramian, Info(NAMES))[1] == 0
    after = balancer.state_dict()
    assert torch.equal(before["last.task:b%2Ec"], after["last.task:b%2Ec"])
    assert not torch.equal(before["last.task:a"], after["last.task:a"])


def test_a_step_that_raises_changes_nothing() -> None:
    balancer = CRMOGM(alpha=None)
    balancer.weights(torch.eye(2), Info(("a", "b"), learning_rate=0.1))
    before = copy.deepcopy(balancer.state_dict())
    with pytest.raises(NonFiniteError):
        balancer.weights(torch.eye(2) * torch.nan, Info(("a", "b"), learning_rate=0.9))
    after = balancer.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_bad_options_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"`alpha` must be in \[0, 1\) or None; found 1"):
        CRMOGM(alpha=1.0)
    with pytest.raises(ConfigError, match="`initial` must be 'first' or 'equal'; found 'zero'"):
        CRMOGM(initial="zero")
