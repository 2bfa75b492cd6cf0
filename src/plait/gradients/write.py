"""Gradients into `.grad`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from plait.core.real import as_real
from plait.core.shards import any_shards, is_shard, local
from plait.distributed.shards import joined_sums
from plait.networks.joined import Joined, joined_of, row_of


def add(first: Tensor, second: Tensor) -> Tensor:
    """Returns the sum of two gradients, either of which may be sparse, in memory of its own."""
    return second + first if first.is_sparse and not second.is_sparse else first + second


def lengths(gradients: Sequence[Tensor], dtype: torch.dtype = torch.float32) -> Tensor:
    """Returns the Euclidean lengths `[n]` of gradients, on the device of the first; empty for none.

    They are measured in `dtype` at least. A length is infinite or NaN if an entry is, or if a
    square is beyond the numbers of the dtype. A complex gradient is as long as its real and
    imaginary parts are together; a sharded one as its parts in all processes, which are then asked
    at once, and in double precision.

    Example:
        >>> lengths([torch.tensor([3.0, 4.0]), torch.tensor([[2.0]])])
        tensor([5., 2.])
    """
    if not gradients:
        return torch.zeros(0)
    if any_shards() and any(map(is_shard, gradients)):
        return _joined_lengths(gradients)
    first = gradients[0]
    if first.dtype in (dtype, torch.float64) and _are_alike(gradients):
        return torch.stack(torch._foreach_norm(list(gradients)))
    values = [as_real(each.coalesce()._values() if each.is_sparse else each) for each in gradients]
    if values[0].dtype in (dtype, torch.float64) and _are_alike(values):
        return torch.stack(torch._foreach_norm(values))
    wide = (torch.promote_types(each.dtype, dtype) for each in values)
    found = [torch.linalg.vector_norm(v, dtype=d) for v, d in zip(values, wide, strict=True)]
    return torch.stack([each.to(found[0]) for each in found])


def _joined_lengths(gradients: Sequence[Tensor]) -> Tensor:
    """Returns the lengths of gradients some of which are sharded, in float64."""
    shards = [each for each in gradients if is_shard(each)]
    squares = lengths([local(each) for each in shards], torch.float64).double().square()
    joined = iter(joined_sums(squares, shards[0]).sqrt())
    others = iter(lengths([each for each in gradients if not is_shard(each)], torch.float64))
    return torch.stack([next(joined if is_shard(e) else others).double() for e in gradients])


def _are_alike(values: Sequence[Tensor]) -> bool:
    """Returns whether they are of one dtype and device, and none of them is sparse."""
    kinds = {(each.dtype, each.device, each.layout) for each in values}
    return len(kinds) == 1 and values[0].layout == torch.strided


def accumulate(pairs: Iterable[tuple[Tensor, Tensor]], tasks: Sequence[str] = ()) -> bool:
    """Adds each gradient to the `.grad` of its parameter, as `torch.autograd.backward` does.

    Autograd may hand out one tensor for two parameters, or a view with repeated elements. A
    gradient becomes `.grad` without a copy only if its memory is its own; else clipping, which
    works in place, would act twice. That of a joined parameter goes to the row of its whole.

    Args:
        pairs: `(parameter, gradient)`; a parameter may come several times.
        tasks: whose losses they are of, for a whole of joined parameters: other tasks are absent.

    Returns:
        Whether every `.grad` is now the gradient that was given, none of them added or copied.
    """
    with torch.no_grad():
        taken: set[int] = set()
        joined: dict[Joined, list[tuple[int, Tensor]]] = {}
        wholes = list[Joined]()
        as_given = True
        for parameter, gradient in pairs:
            row = row_of(parameter)
            if row is not None:
                joined.setdefault(row.joined, []).append((row.number, gradient))
                continue
            whole = joined_of(parameter)
            if whole is not None:
                wholes.append(whole)
            if parameter.grad is None and _owned(gradient, taken):
                parameter.grad = gradient
                continue
            as_given = False
            if parameter.grad is None:
                parameter.grad = _copy(parameter, gradient)
            elif parameter.grad.is_sparse:
                parameter.grad = add(parameter.grad, gradient)
            else:
                parameter.grad += gradient
        for whole in wholes:
            every = whole.tasks == tasks or whole.place.keys() <= set(tasks)
            whole.arrive(None if every else [whole.place[t] for t in tasks if t in whole.place])
        for whole, found in joined.items():
            whole.add(*zip(*found, strict=True))
    return as_given and not joined


def _copy(parameter: Tensor, gradient: Tensor) -> Tensor:
    """Copies a gradient, a dense one in the memory layout of its parameter."""
    if gradient.is_sparse:
        return gradient.clone()
    return torch.empty_like(parameter).copy_(gradient)


def _owned(gradient: Tensor, taken: set[int]) -> bool:
    """Returns whether the tensor is alone in its memory; notes the memory as taken."""
    values = gradient._values() if gradient.is_sparse else local(gradient)
    storage = values.untyped_storage()
    alone = storage.nbytes() == values.numel() * values.element_size()
    if not (alone and _is_dense(values)) or storage.data_ptr() in taken:
        return False
    taken.add(storage.data_ptr())
    return True


def _is_dense(values: Tensor) -> bool:
    """Returns whether the elements lie side by side, in whatever order, and none is repeated."""
    if values.is_contiguous():
        return True
    expected = 1
    for stride, size in sorted(zip(values.stride(), values.shape, strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True
