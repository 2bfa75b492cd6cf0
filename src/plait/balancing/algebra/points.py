"""Points and gradients of a bilevel problem: tuples of tensors, in the order of its parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from plait.balancing.algebra.rows import weighted_sum
from plait.core.exponents import SHORT, mended
from plait.core.real import as_real

Point = tuple[Tensor, ...]


def leaves(parameters: Sequence[Tensor]) -> Point:
    """Returns detached copies of the tensors that require a gradient: leaves of a new graph."""
    return tuple(parameter.detach().requires_grad_() for parameter in parameters)


def gradient(loss: Tensor, at: Point, *, retain: bool = False) -> Point:
    """Returns the gradient of a scalar at `at`; zeros for tensors that it does not depend on."""
    if not loss.requires_grad:
        return tuple(torch.zeros_like(parameter) for parameter in at)
    found = torch.autograd.grad(loss, at, retain_graph=retain, allow_unused=True)
    return tuple(
        torch.zeros_like(parameter) if each is None else each
        for parameter, each in zip(at, found, strict=True)
    )


def gradients(losses: Tensor, at: Point) -> list[Point]:
    """Returns T gradients, one of each of the losses `[T]`; the last pass frees the graph."""
    last = len(losses) - 1
    return [gradient(loss, at, retain=i < last) for i, loss in enumerate(losses)]


def weighted_point(weights: Sequence[float], rows: Sequence[Point]) -> Point:
    """Returns ``sum_i w_i row_i``."""
    return tuple(weighted_sum(weights, parts) for parts in zip(*rows, strict=True))


def products(first: Sequence[Point], second: Sequence[Point]) -> np.ndarray:
    """Returns the inner products of all points of `first` with all of `second`, float64.

    Their shape is `[len(first), len(second)]`.

    One parameter's part is multiplied in at least single precision, the parts are summed in double
    precision; one transfer to the host, or two where single precision does not hold the products.
    Complex numbers count as their real and imaginary parts.
    """
    found = _sums(first, second, torch.float32).cpu().numpy()
    small = np.abs(found) < SHORT**2  # the factors may be too small to be multiplied
    return mended(found, small | ~np.isfinite(found), lambda: _sums(first, second, torch.float64))


def _sums(first: Sequence[Point], second: Sequence[Point], least: torch.dtype) -> Tensor:
    total: Tensor | None = None
    for one, two in zip(zip(*first, strict=True), zip(*second, strict=True), strict=True):
        a, b = (torch.stack([as_real(part).reshape(-1) for part in parts]) for parts in (one, two))
        dtype = torch.promote_types(a.dtype, least)
        part = (a.to(dtype) @ b.to(dtype).T).double()
        total = part if total is None else total + part
    assert total is not None
    return total
