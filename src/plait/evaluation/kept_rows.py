"""Predictions and labels of one task, kept on the CPU row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from plait.core.structure import map_tensors


@dataclass(frozen=True)
class KeptRows:
    """Some rows of one task.

    Attributes:
        prediction: of the head, `[R, ...]`.
        target: labels, a structure of tensors `[R, ...]`.
        weights: of the examples or labels; None if all count alike.
    """

    prediction: Tensor
    target: Any
    weights: Tensor | None

    @property
    def numbers(self) -> int:
        """The number of entries of the predictions."""
        return self.prediction.numel()

    def cpu(self) -> KeptRows:
        """Returns the rows on the CPU, without a graph."""
        return KeptRows(
            self.prediction.detach().cpu(),
            map_tensors(lambda labels: labels.detach().cpu(), self.target),
            None if self.weights is None else self.weights.detach().cpu(),
        )

    def __getitem__(self, rows: Tensor | slice) -> KeptRows:
        return KeptRows(
            self.prediction[rows],
            map_tensors(lambda labels: labels[rows], self.target),
            None if self.weights is None else self.weights[rows],
        )


def joined(pieces: Sequence[KeptRows], missing: float) -> KeptRows:
    """Joins rows of several batches, which were padded to different lengths.

    Args:
        pieces: at least one; where some are weighted, the others weigh 1.
        missing: the label of a missing value, with which labels are padded; predictions and weights
            are padded with 0.
    """
    if len(pieces) == 1:
        return pieces[0]
    weighted = next((piece.weights for piece in pieces if piece.weights is not None), None)
    weights = None
    if weighted is not None:
        ones = [weighted.new_ones(len(p.prediction), *weighted.shape[1:]) for p in pieces]
        own = [p.weights if p.weights is not None else o for p, o in zip(pieces, ones, strict=True)]
        weights = _below(own, 0.0)
    return KeptRows(
        _below([piece.prediction for piece in pieces], 0.0),
        _below([piece.target for piece in pieces], missing),
        weights,
    )


def _below(parts: Sequence[Any], fill: float) -> Any:
    """Puts structures below each other, tensor by tensor."""
    first = parts[0]
    if isinstance(first, Mapping):
        return {key: _below([part[key] for part in parts], fill) for key in first}
    if isinstance(first, list | tuple):
        return [_below(each, fill) for each in zip(*parts, strict=True)]
    most = [max(sizes) for sizes in zip(*(part.shape[1:] for part in parts), strict=True)]
    return torch.cat([_padded(part, most, fill) for part in parts])


def _padded(part: Tensor, sizes: Sequence[int], fill: float) -> Tensor:
    lacking = [most - own for most, own in zip(sizes, part.shape[1:], strict=True)]
    if not any(lacking):
        return part
    ends = [end for more in reversed(lacking) for end in (0, more)]
    if not part.is_floating_point():  # in a dtype that holds what is missing
        part = part.to(torch.float64 if math.isnan(fill) else torch.int64)
    return F.pad(part, ends, value=fill if part.is_floating_point() else int(fill))
