"""CKA against its definition by centred kernels, and what must not change it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from plait.core.errors import DataError, ShapeError
from plait.relations import linear_cka


def by_kernels(one: Tensor, two: Tensor) -> float:
    """HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) with the centring matrix H."""
    centre = torch.eye(len(one), dtype=torch.float64) - 1 / len(one)
    kernels = [centre @ each @ each.T @ centre for each in (one, two)]

    def hsic(left: Tensor, right: Tensor) -> float:
        return float(torch.trace(left @ right))

    left, right = kernels
    return hsic(left, right) / math.sqrt(hsic(left, left) * hsic(right, right))


@settings(max_examples=20)
@given(st.integers(0, 1000), st.sampled_from([(9, 3, 4), (4, 7, 9), (5, 2, 11)]))
def test_it_is_that_of_the_kernels(seed: int, sizes: tuple[int, int, int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    examples, left, right = sizes
    one, two = (
        torch.randn(examples, n, generator=generator, dtype=torch.float64) + 3
        for n in (left, right)
    )
    found = linear_cka(one, two)
    assert found == pytest.approx(by_kernels(one, two), rel=1e-9)
    assert -1e-12 <= found <= 1 + 1e-12
    turn, _ = torch.linalg.qr(torch.randn(left, left, generator=generator, dtype=torch.float64))
    assert linear_cka(7 * one @ turn - 1, two) == pytest.approx(found, rel=1e-9)
    assert linear_cka(two, one) == pytest.approx(found, rel=1e-9)
    assert linear_cka(one, one @ turn) == pytest.approx(1.0)


def test_maps_are_flattened_and_large_numbers_held() -> None:
    features = torch.randn(6, 3, 2, 2)
    assert linear_cka(features, features.flatten(1) * 1e30) == pytest.approx(1.0)


def test_features_that_do_not_vary_have_no_similarity() -> None:
    assert math.isnan(linear_cka(torch.ones(4, 3), torch.randn(4, 2)))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="same examples"):
        linear_cka(torch.ones(4, 3), torch.ones(5, 3))
    with pytest.raises(DataError, match="2 examples"):
        linear_cka(torch.ones(1, 3), torch.ones(1, 3))
