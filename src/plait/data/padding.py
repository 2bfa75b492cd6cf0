"""Sequences of different lengths, padded to one batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeGuard

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from plait.core.errors import DataError
from plait.core.structure import Masked

NO_LABEL = -100  # what pads labels that are whole numbers, as torch's losses leave it out


def is_masked(value: Any) -> TypeGuard[Masked]:
    """Whether a value is a sequence with its mask."""
    return isinstance(value, Masked)


def padded(sequences: Sequence[Masked]) -> Masked:
    """Pads sequences to the longest of them: values `[B, N, ...]` with 0, the mask with False.

    Args:
        sequences: at least one, ``Masked(values [n, ...], mask [n])``.

    Raises:
        DataError: values of two sequences have other shapes behind their first axis.

    Example:
        >>> short, long = (Masked(torch.ones(n), torch.ones(n, dtype=torch.bool)) for n in (1, 2))
        >>> padded([short, long]).values.tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    shapes = {tuple(each.values.shape[1:]) for each in sequences}
    if len(shapes) > 1:
        raise DataError(
            f"sequences of one batch must have entries of one shape; found {sorted(shapes)}. Give "
            "every example values of [n, ...] with the same axes behind the first."
        )
    return Masked(
        pad_sequence([each.values for each in sequences], batch_first=True),
        pad_sequence([each.mask for each in sequences], batch_first=True),
    )


def padded_labels(labels: list[Any], missing: float | None = None) -> list[Any]:
    """Pads labels for each position of a sequence to the longest: `[N, ...]`, all of one length.

    Labels that have no positions, such as a class, stay as they are.

    Args:
        labels: of each example, `[n, ...]`.
        missing: what they are padded with; by default -100 for whole numbers and NaN for others.

    Example:
        >>> [each.tolist() for each in padded_labels([torch.tensor([3]), torch.tensor([1, 2])])]
        [[3, -100], [1, 2]]
    """
    lengths = {len(each) for each in labels if isinstance(each, Tensor) and each.dim() > 0}
    if len(lengths) < 2:
        return labels
    kind = torch.as_tensor(labels[0])
    if missing is None:
        missing = math.nan if kind.is_floating_point() else NO_LABEL
    return list(pad_sequence(labels, batch_first=True, padding_value=missing))
