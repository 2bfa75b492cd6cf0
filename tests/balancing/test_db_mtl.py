"""Dual balancing, against its definition step by step."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import DBMTL, Info
from plait.core.errors import ConfigError
from tests.balancing.gramians import jacobians


def info_of(losses: list[float], tasks: tuple[str, ...] | None = None) -> Info:
    names = tasks or tuple(map(str, range(len(losses))))
    return Info(names, losses=torch.tensor(losses, dtype=torch.float64))


def test_two_tasks_by_hand() -> None:
    # g = (4, 0) / 2 and (0, 9) / 3, of lengths 2 and 3: both get length 3
    balancer = DBMTL(beta=0, eps=1e-30)
    jacobian = torch.tensor([[4.0, 0.0], [0.0, 9.0]])
    direction = balancer.combine(jacobian, info_of([2.0, 3.0]))
    assert direction.tolist() == [3.0, 3.0]
    assert balancer.last_weights is not None
    np.testing.assert_allclose(balancer.last_weights, [1.5 / 2, 1 / 3])
    torch.testing.assert_close(balancer.last_weights.float() @ jacobian, direction)


@given(jacobians(), st.floats(-3, 3))
def test_all_tasks_count_as_much_as_the_longest(jacobian: np.ndarray, exponent: float) -> None:
    losses = [10**exponent * (1 + i) for i in range(len(jacobian))]
    balancer = DBMTL(beta=0, eps=1e-30)
    balancer.combine(torch.from_numpy(jacobian), info_of(losses))
    assert balancer.last_weights is not None
    lengths = balancer.last_weights.numpy() * np.linalg.norm(jacobian, axis=1)
    longest = (np.linalg.norm(jacobian, axis=1) / losses).max()
    zero = np.linalg.norm(jacobian, axis=1) == 0
    np.testing.assert_allclose(lengths, np.where(zero, 0, longest), rtol=1e-9)
    assert not balancer.last_weights[torch.from_numpy(zero)].any()


@given(jacobians(min_tasks=2), st.integers(0, 2**32 - 1))
def test_units_of_the_losses_do_not_matter(jacobian: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    losses, units = rng.uniform(0.1, 2, len(jacobian)), rng.uniform(0.1, 10, len(jacobian))
    one, two = DBMTL(eps=1e-30), DBMTL(eps=1e-30)
    for _ in range(3):
        plain = one.combine(torch.from_numpy(jacobian), info_of(losses.tolist()))
        rows = torch.from_numpy(units[:, None] * jacobian)
        scaled = two.combine(rows, info_of((units * losses).tolist()))
        torch.testing.assert_close(plain, scaled, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("beta", "sigma"), [(0.9, 0.0), (0.9, 0.5), (0.3, 1.0), (0.0, 0.0)])
def test_is_the_average_that_the_formula_says(beta: float, sigma: float) -> None:
    balancer = DBMTL(beta=beta, beta_sigma=sigma, eps=1e-8)
    assert balancer.row_buffers == (1 if beta else 0)
    averages = [np.zeros(4), np.zeros(4)]
    rng = np.random.default_rng(0)
    for k in range(1, 6):
        jacobian, losses = rng.standard_normal((2, 4)), rng.uniform(0.5, 2, 2)
        found = balancer.combine(torch.from_numpy(jacobian), info_of(losses.tolist()))
        b = beta / k**sigma
        for i in range(2):
            averages[i] = b * averages[i] + (1 - b) * jacobian[i] / (losses[i] + 1e-8)
        norms = [np.linalg.norm(h) for h in averages]
        expected = sum(max(norms) / (n + 1e-8) * h for n, h in zip(norms, averages, strict=True))
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_the_steps_are_those_of_the_task() -> None:
    """A task that was absent goes on with the decay that it had."""
    joined, alone = DBMTL(beta_sigma=1.0), DBMTL(beta_sigma=1.0)
    for number in range(5):
        rows = torch.randn(2, 3, dtype=torch.float64)
        if number % 2:
            joined.combine(rows[:1], info_of([1.0], ("a",)))
        else:
            joined.combine(rows, info_of([1.0, 2.0], ("a", "b")))
            alone.combine(rows[1:], info_of([2.0], ("b",)))
    mine, own = joined.averages.state_dict(), alone.averages.state_dict()
    torch.testing.assert_close(mine["task:b"], own["task:b"])


def test_a_loss_of_zero_is_no_accident() -> None:
    found = DBMTL().combine(torch.tensor([[0.0, 0.0], [1.0, 2.0]]), info_of([0.0, 1.0]))
    assert found.isfinite().all()
    assert (found > 0).all()


def test_losses_have_to_be_known_and_not_negative() -> None:
    balancer = DBMTL()
    with pytest.raises(ConfigError, match="DBMTL reads the losses"):
        balancer.combine(torch.ones(2, 3))
    with pytest.raises(ConfigError, match="`losses` must not be negative"):
        balancer.combine(torch.ones(2, 3), info_of([1.0, -1.0]))
    assert not balancer.state_dict()


@pytest.mark.parametrize(
    ("option", "value"),
    [("beta", -0.1), ("beta", 1.0), ("beta_sigma", -1.0), ("eps", 0.0), ("beta", math.nan)],
)
def test_options_outside_their_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` must .*; found {value}"):
        DBMTL(**{option: value})
