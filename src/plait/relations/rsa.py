"""Similarity of two representations by the distances within each (RSA)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from plait.core.errors import DataError
from plait.relations.cka import same_examples
from plait.relations.conflict import Floats

FLAT = 1e-12  # spread of an example's features, relative to their size, that is none
DIGITS = 12  # of a correlation


def rsa(first: Tensor, second: Tensor) -> float:
    """Returns the representational similarity of two representations of the same examples.

        dissimilarity of two examples = 1 - Pearson correlation of their features
        RSA = Spearman correlation of the dissimilarities of all pairs

    From -1 to 1; 1 if both put the pairs of examples in the same order.

    Args:
        first: `[N, ...]`; all axes but the first are features, two or more.
        second: `[N, ...]`, of other features.

    Returns:
        The similarity. Examples whose features are all equal, as after a dead layer, have no
        correlation with others and are left out. NaN if fewer than 3 are left, or if all
        dissimilarities of a representation are equal.

    Raises:
        ShapeError: the numbers of examples differ.
        DataError: fewer than 3 examples, or a representation of one feature.

    Cost: memory for the N^2 pairs of examples.

    Reference: Dwivedi, Roig, "Representation Similarity Analysis for Efficient Task Taxonomy &
        Transfer Learning", CVPR 2019.

    Example:
        >>> features = torch.tensor([[1.0, 0.0, 2.0], [0.0, 2.0, 1.0], [3.0, 1.0, 0.0]])
        >>> rsa(features, 2 * features + 1)
        1.0
    """
    one, two = same_examples(first, second)
    if len(one) < 3 or min(one.shape[1], two.shape[1]) < 2:
        raise DataError(
            f"RSA needs 3 examples and 2 features or more; found {len(one)} examples of "
            f"{one.shape[1]} and {two.shape[1]} features."
        )
    (left, some), (right, others) = _standardised(one), _standardised(two)
    kept = some & others
    if int(kept.sum()) < 3:
        return math.nan
    return _spearman(_dissimilarities(left[kept]), _dissimilarities(right[kept]))


def _standardised(features: Tensor) -> tuple[Tensor, Tensor]:
    """Returns each example's features with mean 0 and length 1, and the examples that vary."""
    centred = features - features.mean(dim=1, keepdim=True)
    lengths = centred.norm(dim=1, keepdim=True)
    varies = lengths[:, 0] > FLAT * features.norm(dim=1)
    return centred / torch.where(lengths > 0, lengths, 1.0), varies


def _dissimilarities(standardised: Tensor) -> Floats:
    """Returns 1 - correlation of all pairs, each once; rounding must not order what is equal."""
    pairs = np.triu_indices(len(standardised), k=1)
    found: Floats = (1.0 - (standardised @ standardised.T).numpy()[pairs]).round(DIGITS)
    return found


def _spearman(one: Floats, two: Floats) -> float:
    left, right = (ranks - ranks.mean() for ranks in (_ranks(one), _ranks(two)))
    norm = math.sqrt(float(left @ left) * float(right @ right))
    return float(left @ right) / norm if norm > 0 else math.nan


def _ranks(numbers: Floats) -> Floats:
    """Returns the ranks; equal numbers share the mean of theirs."""
    _, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    found: Floats = (counts.cumsum() - (counts - 1) / 2)[places]
    return found
