"""Labels that are bounds: a number known exactly, from above, from below, or within an interval.

A label is a pair (low, high): (y, y) is the number y, (10, inf) is "more than 10", (-inf, 0.5) is
"less than 0.5", and (NaN, NaN) is missing.
"""

from __future__ import annotations

import torch
from torch import Tensor

from plait.core.errors import DataError, ShapeError
from plait.tasks.labels.tensors import need_tensor


def check_bounds(task: str, target: Tensor, outputs: int) -> None:
    """Raises unless labels are pairs of a low and a high end.

    Args:
        task: its name.
        target: the labels.
        outputs: numbers per example, K.

    Raises:
        DataError: they are no floats, or a pair is none; names the row in the batch.
        ShapeError: they are not `[B, K, 2]`.
    """
    need_tensor(task, target)
    if not target.is_floating_point():
        raise DataError(
            f"labels of task {task!r} must be floats (NaN where missing); found {target.dtype}. "
            "Convert them with `.float()`."
        )
    if target.dim() != 3 or target.shape[1:] != (outputs, 2):
        raise ShapeError(
            f"labels of task {task!r} are bounded and must be [B, {outputs}, 2], low and high; "
            f"found {list(target.shape)}. An exact label y is (y, y)."
        )
    low, high = target.unbind(-1)
    ordered = (low <= high) & (low < torch.inf) & (high > -torch.inf)
    tells = low.isfinite() | high.isfinite()
    wrong = ~(ordered & tells) & ~(low.isnan() & high.isnan())
    if bool(wrong.any()):
        row, output = wrong.nonzero()[0].tolist()
        raise DataError(
            f"labels of task {task!r} must be pairs low <= high, one of them finite, or both NaN "
            f"(missing); found ({low[row, output]:g}, {high[row, output]:g}) in row {row + 1} of "
            "the batch. Write (10, inf) for more than 10 and (-inf, 10) for less."
        )


def nearest(prediction: Tensor, target: Tensor) -> Tensor:
    """Returns the numbers within the bounds that are nearest to the predictions, as constants.

    An error from them is 0, and so is its gradient, where a prediction is within the bounds; it is
    the usual one where a label is exact.

    Args:
        prediction: `[B, K]`.
        target: bounds `[B, K, 2]`.

    Returns:
        `[B, K]`, NaN where a label is missing.

    Example:
        >>> nearest(torch.tensor([[3.0, 12.0]]), torch.tensor([[[10, torch.inf]] * 2]))
        tensor([[10., 12.]])
    """
    at = prediction.detach().to(torch.promote_types(prediction.dtype, target.dtype))
    low, high = target.to(at.dtype).unbind(-1)
    return at.maximum(low).minimum(high)  # which both hand NaN on


def exact(target: Tensor) -> Tensor:
    """Returns the numbers that are known exactly `[..., K]`, NaN for all other labels."""
    low, high = target.unbind(-1)
    return low.where(low == high, torch.nan)


def stated(target: Tensor) -> Tensor:
    """Returns the number that each label states `[..., K]`; NaN where it is missing.

    That is the number itself, the finite end of a bound, or the middle of an interval.
    """
    low, high = target.unbind(-1)
    middle = low + (high - low) / 2
    return torch.where(low.isinf(), high, torch.where(high.isinf(), low, middle))
