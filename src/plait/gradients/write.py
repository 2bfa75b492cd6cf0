"""Gradients into `.grad`."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def accumulate(pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Adds each gradient to the `.grad` of its parameter, as `torch.autograd.backward` does.

    Autograd may hand out one tensor for two parameters, or a view with repeated elements. A gradient
    becomes `.grad` without a copy only if its memory is its own; else clipping, which works in
    place, would act twice.

    Args:
        pairs: `(parameter, gradient)`; a parameter may come several times.
    """
    with torch.no_grad():
        taken: set[int] = set()
        for parameter, gradient in pairs:
            if parameter.grad is not None:
                parameter.grad += gradient
                continue
            parameter.grad = gradient if _owned(gradient, taken) else gradient.clone()


def _owned(gradient: Tensor, taken: set[int]) -> bool:
    """Returns whether the tensor is dense and alone in its memory; notes the memory as taken."""
    if gradient.is_sparse:
        return True
    storage = gradient.untyped_storage()
    alone = storage.nbytes() == gradient.numel() * gradient.element_size()
    if not alone or storage.data_ptr() in taken:
        return False
    taken.add(storage.data_ptr())
    return True
