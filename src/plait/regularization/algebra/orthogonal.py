"""Distance of two sets of features from being orthogonal."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from plait.core.errors import ConfigError, ShapeError
from plait.regularization.algebra.rows import unit_rows

OrthogonalityForm = Literal["frobenius", "normalised", "uncentred"]
FORMS = ("frobenius", "normalised", "uncentred")


def orthogonality(
    shared: Tensor, private: Tensor, form: OrthogonalityForm = "normalised"
) -> Tensor:
    """Returns the squared products of the features S of one network with the features H of another.

        "frobenius"   |S^T H|_F^2 = sum_jk (sum_b s_bj h_bk)^2
        "normalised"  mean_jk (sum_b s_bj h_bk)^2, columns centred over the batch, then rows of
                      length 1
        "uncentred"   the same without centring

    Args:
        shared: S, `[B, p]`; half precision is computed in float32.
        private: H, `[B, q]`, of the same examples.
        form: "frobenius" is that of Liu, Qiu, Huang, "Adversarial Multi-task Learning for Text
            Classification", ACL 2017, and grows with the square of the batch; "normalised" is that
            of the code of Bousmalis, Trigeorgis, Silberman, Krishnan, Erhan, "Domain Separation
            Networks", NIPS 2016, whose paper writes the first. A row without length counts 0.

    Raises:
        ConfigError: an unknown form.
        ShapeError: the examples are not the same.

    Example:
        >>> s, h = torch.tensor([[1.0], [0.0]]), torch.tensor([[0.0], [1.0]])
        >>> float(orthogonality(s, h, "frobenius")), float(orthogonality(s, s, "frobenius"))
        (0.0, 1.0)
    """
    if form not in FORMS:
        raise ConfigError(f"`form` must be one of {', '.join(FORMS)}; found {form!r}.")
    if shared.dim() != 2 or private.dim() != 2 or shared.shape[0] != private.shape[0]:
        raise ShapeError(
            "orthogonality is of features [B, p] and [B, q] of the same examples; found "
            f"{list(shared.shape)} and {list(private.shape)}. Pool maps and tokens first, and "
            "give all tasks one common input."
        )
    wide = torch.promote_types(torch.promote_types(shared.dtype, private.dtype), torch.float32)
    one, other = shared.to(wide), private.to(wide)
    if form == "frobenius":
        return _squared_products(one, other)
    if form == "normalised":
        one, other = one - one.mean(dim=0), other - other.mean(dim=0)
    return _squared_products(unit_rows(one), unit_rows(other)) / (one.shape[1] * other.shape[1])


def _squared_products(one: Tensor, other: Tensor) -> Tensor:
    """Returns |S^T H|_F^2 = sum_bc (S S^T)_bc (H H^T)_bc, by the sum of fewer multiply-adds."""
    (batch, p), q = one.shape, other.shape[1]
    if batch * (p + q) < p * q:  # in the backward pass as well
        return ((one @ one.T) * (other @ other.T)).sum()
    return (one.T @ other).square().sum()
