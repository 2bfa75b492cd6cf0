"""Similarity of two representations by centred kernel alignment (CKA)."""

from __future__ import annotations

import math

from torch import Tensor

from plait.core.errors import DataError, ShapeError


def linear_cka(first: Tensor, second: Tensor) -> float:
    """Returns the linear CKA of two representations of the same examples, from 0 to 1.

        CKA = |B^T A|^2 / (|A^T A| |B^T B|)

    with features A and B less their means over the examples, and Frobenius norms. 1 if one is a
    rotated and scaled copy of the other; 0 if no feature of one is correlated with one of the
    other. With fewer examples than features the same is computed from `[N, N]` inner products.

    Args:
        first: `[N, ...]`; all axes but the first are features.
        second: `[N, ...]`, of other features.

    Returns:
        The similarity; NaN if the features of one do not vary.

    Raises:
        ShapeError: the numbers of examples differ.
        DataError: fewer than 2 examples.

    Reference: Kornblith, Norouzi, Lee, Hinton, "Similarity of Neural Network Representations
        Revisited", ICML 2019.

    Example:
        >>> import torch
        >>> features = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
        >>> round(linear_cka(features, -5 * features), 6)
        1.0
    """
    one, two = (_centred(each) for each in same_examples(first, second))
    if min(one.shape[1], two.shape[1]) > len(one):
        left, right = one @ one.T, two @ two.T
        cross, norms = (left * right).sum(), left.norm() * right.norm()
    else:
        cross = (two.T @ one).square().sum()
        norms = (one.T @ one).norm() * (two.T @ two).norm()
    return float(cross / norms) if float(norms) > 0 else math.nan


def same_examples(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Returns both representations as float64 `[N, features]`, scaled to 1 at most.

    Raises:
        ShapeError: the numbers of examples differ.
        DataError: fewer than 2 examples.
    """
    if first.dim() < 1 or second.dim() < 1 or len(first) != len(second):
        raise ShapeError(
            "two representations must be of the same examples, [N, ...]; found "
            f"{list(first.shape)} and {list(second.shape)}."
        )
    if len(first) < 2:
        raise DataError(f"a similarity needs 2 examples or more; found {len(first)}.")
    return _scaled(first), _scaled(second)


def _scaled(features: Tensor) -> Tensor:
    """Returns the features so that no square overflows."""
    flat = features.detach().double().cpu().reshape(len(features), -1)
    size = float(flat.abs().max()) if flat.numel() else 0.0
    return flat / size if size > 0 else flat


def _centred(features: Tensor) -> Tensor:
    return features - features.mean(dim=0)
