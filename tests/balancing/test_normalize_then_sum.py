"""Rewards of several kinds, normalised before they are added."""

import math
import statistics

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.balancing import normalize_then_sum
from plait.core.errors import ShapeError

seeds = st.integers(0, 2**32 - 1)


def normal(values: list[float], eps: float) -> list[float]:
    """The values that are there; 0 for the others."""
    there = [value for value in values if not math.isnan(value)]
    mean = statistics.fmean(there) if there else 0.0
    spread = statistics.stdev(there) if len(there) > 1 else 0.0
    return [0.0 if math.isnan(v) else (v - mean) / (spread + eps) for v in values]


def slowly(rewards: np.ndarray, weights: np.ndarray, eps: float) -> np.ndarray:
    """Group by group, reward by reward, with Python's statistics."""
    total = np.zeros(rewards.shape[:2])
    for group, examples in enumerate(rewards):
        for weight, column in zip(weights, examples.T, strict=True):
            total[group] += weight * np.array(normal(column.tolist(), eps))
    total[np.isnan(rewards).all(axis=2)] = np.nan
    return np.array(normal(total.ravel().tolist(), eps)).reshape(total.shape)


@settings(max_examples=40)
@given(seeds, st.sampled_from([1e-4, 0.1]), st.sampled_from([0.0, 0.4]))
def test_is_what_the_formula_says(seed: int, eps: float, missing: float) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 5, 3))
    rewards = np.round(rng.standard_normal(shape), 1) * 10 ** rng.uniform(-1, 2, shape[2])
    rewards[rng.random(shape) < missing] = np.nan
    weights = rng.uniform(0, 2, shape[2])
    found = normalize_then_sum(torch.from_numpy(rewards), torch.from_numpy(weights), eps=eps)
    np.testing.assert_allclose(found.numpy(), slowly(rewards, weights, eps), atol=1e-8)


def test_three_answers_by_hand() -> None:
    # (1, 0, -1) and (0, 1, -1) after the first step, (1, 1, -2) in sum, of spread sqrt(3)
    rewards = torch.tensor([[3.0, -5.0], [2.0, 5.0], [1.0, -15.0]], dtype=torch.float64)
    found = normalize_then_sum(rewards, eps=0.0)
    assert found.tolist() == pytest.approx([3**-0.5, 3**-0.5, -2 * 3**-0.5])
    # With weights (1, 3): (1, 3, -4), of spread sqrt(13)
    found = normalize_then_sum(rewards, torch.tensor([1.0, 3.0]), eps=0.0)
    assert found.tolist() == pytest.approx([13**-0.5, 3 * 13**-0.5, -4 * 13**-0.5])


@given(seeds)
def test_the_unit_and_the_zero_of_a_reward_do_not_matter(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    rewards = torch.randn(3, 4, 2, generator=generator, dtype=torch.float64)
    moved = rewards * torch.tensor([1e3, 1e-2]) + torch.tensor([5.0, -7.0])
    one, two = normalize_then_sum(rewards, eps=0.0), normalize_then_sum(moved, eps=0.0)
    torch.testing.assert_close(one, two, rtol=1e-7, atol=1e-7)
    assert one.mean().item() == pytest.approx(0, abs=1e-12)
    assert one.std().item() == pytest.approx(1)


def test_groups_are_normalised_by_themselves() -> None:
    easy, hard = torch.tensor([[9.0], [8.0], [7.0]]), torch.tensor([[0.3], [0.2], [0.1]])
    found = normalize_then_sum(torch.stack([easy, hard]), eps=0.0)
    torch.testing.assert_close(found[0], found[1])


@pytest.mark.parametrize("eps", [0.0, 1e-4])
def test_where_nothing_differs_or_nothing_is_known_the_advantage_is_zero(eps: float) -> None:
    nan = math.nan
    assert normalize_then_sum(torch.full((2, 3, 2), 4.0), eps=eps).tolist() == [[0.0] * 3] * 2
    assert normalize_then_sum(torch.tensor([[5.0]]), eps=eps).tolist() == [0.0]
    assert normalize_then_sum(torch.full((3, 2), nan), eps=eps).tolist() == [0.0] * 3
    found = normalize_then_sum(torch.tensor([[1.0, nan], [nan, nan], [3.0, nan]]), eps=0.0)
    assert found.tolist() == pytest.approx([-(0.5**0.5), 0.0, 0.5**0.5])


def test_whole_numbers_and_half_precision_are_rewards() -> None:
    whole = torch.tensor([[1, 0], [0, 1], [0, 0]])
    found = normalize_then_sum(whole)
    assert found.dtype == torch.float32
    torch.testing.assert_close(normalize_then_sum(whole.bfloat16()), found)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"`rewards` must be \[..., N, T\]; found \[3\]"):
        normalize_then_sum(torch.ones(3))
    with pytest.raises(ShapeError, match=r"`weights` must be \[T\] with T = 2; found \[3\]"):
        normalize_then_sum(torch.ones(3, 2), torch.ones(3))
