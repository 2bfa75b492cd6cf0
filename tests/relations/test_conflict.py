"""Conflict against loops over float64 rows, and where there is nothing to compare."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import ConfigError, NonFiniteError, ShapeError
from plait.relations import gradient_conflict


def rows(seed: int, tasks: int = 4, parameters: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(tasks, parameters))


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_each_number_is_that_of_a_loop(seed: int, tasks: int) -> None:
    jacobian = rows(seed, tasks)
    weights = np.arange(1.0, tasks + 1)
    found = gradient_conflict(jacobian=jacobian, weights=weights)
    norms = [math.sqrt(sum(x * x for x in row)) for row in jacobian]
    conflicts = []
    for i, one in enumerate(jacobian):
        for j, other in enumerate(jacobian):
            cosine = float(one @ other) / norms[i] / norms[j]
            similarity = 2 * norms[i] * norms[j] / (norms[i] ** 2 + norms[j] ** 2)
            assert found.cosines[i, j] == pytest.approx(cosine, abs=1e-12)
            assert found.similarity[i, j] == pytest.approx(similarity, abs=1e-12)
            if i < j:
                conflicts.append(cosine < 0)
        mean = jacobian.mean(axis=0)
        toward = float(one @ mean) / norms[i] / np.linalg.norm(mean)
        assert found.toward_mean[i] == pytest.approx(toward, abs=1e-12)
    assert found.rate == pytest.approx(np.mean(conflicts) if conflicts else 0.0)
    shares = weights * norms
    np.testing.assert_allclose(found.shares, shares / shares.sum(), rtol=1e-12)


def test_gradients_and_their_products_say_the_same() -> None:
    jacobian = rows(1)
    one = gradient_conflict(jacobian=torch.tensor(jacobian, requires_grad=True))
    two = gradient_conflict(gramian=jacobian @ jacobian.T)
    for name in ("norms", "cosines", "similarity", "toward_mean", "shares"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-12)


def test_a_zero_gradient_is_flagged_and_nothing_is_nan() -> None:
    found = gradient_conflict(jacobian=[[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]], tasks=["a", "b", "c"])
    assert found.zero == ("b",)
    assert not found.cosines[1].any() and not found.similarity[:, 1].any()
    assert found.rate == 1.0  # of the one pair of which something is known
    assert found.shares.tolist() == [0.5, 0.0, 0.5]
    assert found.toward_mean.tolist() == [0.0, 0.0, 0.0]  # the mean is zero
    nothing = gradient_conflict(jacobian=np.zeros((2, 3)))
    for name in ("norms", "cosines", "similarity", "toward_mean", "shares"):
        assert not getattr(nothing, name).any()
    assert nothing.zero == ("0", "1") and nothing.rate == 0.0


@pytest.mark.parametrize("scale", [1e-180, 1e-30, 1e30, 1e180])
def test_the_scale_of_the_gradients_does_not_matter(scale: float) -> None:
    jacobian = rows(2)
    one, two = gradient_conflict(jacobian=jacobian), gradient_conflict(jacobian=jacobian * scale)
    np.testing.assert_allclose(one.cosines, two.cosines, rtol=1e-12)
    np.testing.assert_allclose(one.norms * scale, two.norms, rtol=1e-12)


def test_orthogonal_gradients_do_not_conflict() -> None:
    turned, _ = np.linalg.qr(rows(3, 6, 6))
    assert gradient_conflict(jacobian=turned).rate == 0.0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="one"):
        gradient_conflict()
    with pytest.raises(ShapeError, match="Did you pass the Jacobian"):
        gradient_conflict(gramian=rows(0, 3, 4))
    with pytest.raises(ShapeError, match="weights"):
        gradient_conflict(jacobian=rows(0), weights=[1.0])
    with pytest.raises(ConfigError, match="4 names"):
        gradient_conflict(jacobian=rows(0), tasks=["a"])
    with pytest.raises(NonFiniteError, match="jacobian"):
        gradient_conflict(jacobian=[[math.nan, 1.0]])
