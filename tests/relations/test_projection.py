"""Projections keep inner products on average, and are a function of the seed."""

import numpy as np
import pytest
import torch

from plait.core.errors import ConfigError
from plait.relations import RandomProjection


def test_inner_products_are_kept_on_average() -> None:
    one, two = torch.randn(300).double(), torch.randn(300).double()
    two = two + 0.5 * one
    found = []
    for seed in range(200):
        project = RandomProjection(300, 40, seed=seed)
        found.append(float(project(one) @ project(two)))
    exact, size = float(one @ two), float(one.norm() * two.norm())
    assert np.mean(found) == pytest.approx(exact, abs=4 * size / 40**0.5 / 200**0.5)
    assert np.std(found) == pytest.approx(size / 40**0.5, rel=0.4)


def test_it_is_linear_and_a_function_of_the_seed() -> None:
    one, two = torch.randn(50).double(), torch.randn(50).double()
    project, again = RandomProjection(50, 8, seed=3), RandomProjection(50, 8, seed=3)
    assert torch.equal(project(one), again(one))
    torch.testing.assert_close(project(one + 2 * two), project(one) + 2 * project(two))
    assert not torch.equal(project(one), RandomProjection(50, 8, seed=4)(one))
    random = torch.get_rng_state()
    RandomProjection(50, 8)
    assert torch.equal(random, torch.get_rng_state())


def test_each_direction_is_a_sum_with_signs() -> None:
    project = RandomProjection(30, 5)
    matrix = torch.stack([project(row) for row in torch.eye(30)])
    assert (matrix.abs().sum(dim=1) == 1).all()
    assert {-1.0, 1.0} <= set(matrix.flatten().tolist())
    vector = torch.randn(30).double()
    torch.testing.assert_close(project(vector), vector @ matrix)


def test_a_short_vector_is_kept() -> None:
    vector = torch.randn(7)
    assert torch.equal(RandomProjection(7, 9)(vector), vector.double())
    assert RandomProjection(7, 9).directions == 7
    with pytest.raises(ConfigError, match="directions"):
        RandomProjection(7, 0)


def test_half_precision_is_summed_in_single() -> None:
    vector = torch.full((4096,), 0.1, dtype=torch.bfloat16)
    exact = RandomProjection(4096, 2)(vector.double())
    torch.testing.assert_close(RandomProjection(4096, 2)(vector), exact, rtol=1e-4, atol=1e-2)
