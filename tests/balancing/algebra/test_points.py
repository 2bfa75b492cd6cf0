"""Gradients as tuples, against autograd on the flat vector."""

import numpy as np
import torch

from plait.balancing.algebra.points import (
    Point,
    gradient,
    gradients,
    leaves,
    products,
    weighted_point,
)


def flat(point: Point) -> torch.Tensor:
    return torch.cat([part.reshape(-1) for part in point])


def point() -> Point:
    return leaves([torch.randn(3, 2), torch.randn(4), torch.randn(())])


def test_leaves_are_apart_from_what_they_came_from() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    (leaf,) = leaves([parameter * 2])
    assert leaf.is_leaf
    (leaf.sum() * 3).backward()
    assert parameter.grad is None


def test_what_a_loss_does_not_depend_on_has_gradient_zero() -> None:
    at = point()
    found = gradient(at[1].square().sum(), at)
    torch.testing.assert_close(found, (torch.zeros(3, 2), 2 * at[1].detach(), torch.zeros(())))
    constant = gradient(torch.tensor(1.0), at)
    assert not flat(constant).any()


def test_gradients_products_and_mixtures() -> None:
    at = point()
    losses = torch.stack([at[0].sum() * at[2], at[1].square().sum() + at[2], at[0][0, 0] * at[2]])
    rows = gradients(losses, at)
    stacked = torch.stack([flat(row) for row in rows])
    expected = (stacked.double() @ stacked.double().T).numpy()
    found = products(rows, rows)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    weights = [0.5, -2.0, 3.0]
    torch.testing.assert_close(flat(weighted_point(weights, rows)), torch.tensor(weights) @ stacked)


def test_half_precision_is_not_summed_in_half_precision() -> None:
    ones = (torch.ones(4096, dtype=torch.bfloat16), torch.ones(1, dtype=torch.bfloat16))
    assert products([ones], [ones]).tolist() == [[4097.0]]
