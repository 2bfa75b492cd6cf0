"""Aligned gradients are orthogonal and equally long."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import AlignedMTL
from plait.core.errors import ConfigError
from tests.balancing.gramians import jacobians, scales
from tests.balancing.invariants import check_permutation, check_rotation, check_scale, independent

MODES = ("min", "median", "rmse")


def weights_of(jacobian: np.ndarray, scale_mode: str = "min") -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = AlignedMTL(scale_mode=scale_mode).weights(gramian).numpy()
    return found


def aligned(jacobian: np.ndarray, scale_mode: str) -> np.ndarray:
    """Procrustes by the singular value decomposition of J itself."""
    left, values, right = np.linalg.svd(jacobian, full_matrices=False)
    kept = values > 1e-6 * values[0]
    squares = np.sort(values[kept] ** 2)
    s = {
        "min": squares[0],
        "median": squares[(len(squares) - 1) // 2],
        "rmse": squares.mean(),
    }[scale_mode]
    rows: np.ndarray = np.sqrt(s) * left[:, kept] @ right[kept]
    return rows


@given(independent(), st.sampled_from(MODES))
def test_is_the_sum_of_the_rows_of_the_procrustes_solution(jacobian: np.ndarray, mode: str) -> None:
    rows = aligned(jacobian, mode)
    products = rows @ rows.T
    np.testing.assert_allclose(products, products[0, 0] * np.eye(len(rows)), atol=1e-9)
    size = np.linalg.norm(jacobian, axis=1).max()
    found = weights_of(jacobian, mode) @ jacobian
    np.testing.assert_allclose(found, rows.sum(axis=0), atol=1e-8 * size)


@given(jacobians(max_tasks=6), st.sampled_from(MODES))
def test_dependent_gradients_are_aligned_in_what_they_span(jacobian: np.ndarray, mode: str) -> None:
    if not jacobian.any():
        assert not weights_of(jacobian, mode).any()
        return
    values = np.linalg.svd(jacobian, compute_uv=False) / np.linalg.norm(jacobian, 2)
    if ((values > 1e-9) & (values < 1e-5)).any():
        return  # neither dependent nor independent
    size = np.linalg.norm(jacobian, axis=1).max()
    found = weights_of(jacobian, mode) @ jacobian
    np.testing.assert_allclose(found, aligned(jacobian, mode).sum(axis=0), atol=1e-5 * size)


@pytest.mark.parametrize(("mode", "s"), [("min", 1.0), ("median", 4.0), ("rmse", 21 / 4)])
def test_orthogonal_gradients_get_the_same_length(mode: str, s: float) -> None:
    # squared lengths 1, 4, 4 and 12: the lower median of four is the second
    lengths = np.sqrt(np.array([1.0, 4.0, 4.0, 12.0]))
    np.testing.assert_allclose(weights_of(np.diag(lengths), mode), np.sqrt(s) / lengths)


@pytest.mark.parametrize("mode", MODES)
def test_equal_gradients_add_up(mode: str) -> None:
    row = np.array([1.0, -2.0, 0.5])
    weights = weights_of(np.stack([row] * 3), mode)
    np.testing.assert_allclose(weights, 1.0, rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_of_opposite_gradients_it_follows_the_longer(mode: str) -> None:
    # V = (1, -2)/sqrt(5), l = s = 5: weights (1, -2)(1 - 2)/5, direction (1, -2) w = -1 times g
    row = np.array([3.0, 4.0])
    weights = weights_of(np.stack([row, -2 * row]), mode)
    np.testing.assert_allclose(weights, [-0.2, 0.4], rtol=1e-12)
    assert (weights @ np.stack([row, -2 * row])) @ (-2 * row) > 0


def test_gradients_whose_aligned_sum_is_zero_give_exactly_zero() -> None:
    angles = 2 * np.pi * np.arange(3) / 3
    jacobian = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    balancer = AlignedMTL()
    assert not balancer.weights(torch.from_numpy(jacobian @ jacobian.T)).any()
    assert balancer.flag == "the aligned gradients cancel"


def test_the_flag_tells_the_rank() -> None:
    balancer = AlignedMTL()
    balancer.weights(torch.ones(3, 3))
    assert balancer.flag == "rank 1 of 3"
    balancer.weights(torch.eye(3))
    assert balancer.flag is None


def test_the_rank_test_knows_the_precision_of_the_rows() -> None:
    """Two equal tasks up to rounding: with 'min' the step would be as short as the rounding."""
    rows = torch.randn(1, 1000).repeat(2, 1) + 1e-8 * torch.randn(2, 1000)
    gramian = rows @ rows.T
    assert AlignedMTL().weights(gramian).allclose(torch.ones(2, dtype=torch.float64))
    nearly = torch.tensor([[1.0, 1 - 1e-9], [1 - 1e-9, 1.0]], dtype=torch.float64)
    weights = AlignedMTL().weights(nearly)
    assert weights.max() < 1e-4  # in float64 the difference is real


@given(independent(), scales(), st.sampled_from(MODES))
def test_does_not_depend_on_order_axes_or_a_common_factor(
    jacobian: np.ndarray, scale: float, mode: str
) -> None:
    check_permutation(lambda rows: weights_of(rows, mode), jacobian)
    check_rotation(lambda rows: weights_of(rows, mode), jacobian)
    check_scale(lambda rows: weights_of(rows, mode), jacobian, scale)


def test_an_unknown_scale_is_refused() -> None:
    with pytest.raises(ConfigError, match="`scale_mode` must be 'min', 'median' or 'rmse'; found"):
        AlignedMTL(scale_mode="max")
