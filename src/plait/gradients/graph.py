"""The parameters that a loss can reach, and their gradients."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from plait.core.shards import any_shards, is_shard, shard_of
from plait.gradients.shards import shard_gradients


def leaves(losses: Iterable[Tensor]) -> list[Tensor]:
    """Returns the leaf tensors that need a gradient and that any of `losses` depends on.

    Empty if no loss has a graph.

    Walks the autograd graph once; the order is that of the first visit. Frozen and unused
    parameters are not in the graph, and a tied parameter is one leaf, so neither needs a special
    case.

    Cost: about a microsecond for each node of the graph.

    Example:
        >>> import torch
        >>> a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        >>> [leaf is a for leaf in leaves([(a * 2).sum()])]
        [True]
    """
    found: dict[int, Tensor] = {}
    seen = set()
    stack = []
    for loss in losses:
        if loss.grad_fn is not None:
            stack.append(loss.grad_fn)
        elif loss.requires_grad:  # a leaf itself
            found[id(loss)] = shard_of(loss)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaf = shard_of(node.variable)
            found[id(leaf)] = leaf
        stack.extend(child for child, _ in node.next_functions if child is not None)
    return list(found.values())


def nearest(losses: Iterable[Tensor], wanted: Collection[int]) -> Tensor | None:
    """Returns the leaf, of those with an id in `wanted`, that is the fewest nodes from the losses.

    None if the losses reach none of them.

    Example:
        >>> import torch
        >>> first, last = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
        >>> found = nearest([((first * 2).tanh() * last).sum()], {id(first), id(last)})
        >>> found is last
        True
    """
    level = [loss.grad_fn for loss in losses if loss.grad_fn is not None]
    seen = set(level)
    while level:
        below = []
        for node in level:
            if hasattr(node, "variable"):
                leaf: Tensor = shard_of(node.variable)
                if id(leaf) in wanted:
                    return leaf
            for child, _ in node.next_functions:
                if child is not None and child not in seen:
                    seen.add(child)
                    below.append(child)
        level = below
    return None


def depend(tensors: Iterable[Tensor]) -> bool:
    """Returns whether one of `tensors` depends on another, or is there twice.

    Example:
        >>> import torch
        >>> one = torch.ones(1, requires_grad=True) * 2
        >>> depend([one, one * 3]), depend([one * 3, one * 4])
        (True, False)
    """
    edges = [(each.grad_fn, each.output_nr) for each in tensors if each.grad_fn is not None]
    wanted, stack, seen = set(edges), [node for node, _ in edges], set()
    while stack:
        for edge in stack.pop().next_functions:
            child = edge[0]
            if edge in wanted:
                return True
            if child is not None and child not in seen:
                seen.add(child)
                stack.append(child)
    return len(wanted) < len(edges)


def parents_first(
    roots: Sequence[Any], stop: Collection[Any] = ()
) -> dict[Any, Sequence[tuple[Any, int]]]:
    """Returns `{node: edges to its inputs}` below `roots`, each before the nodes that it leads to.

    Args:
        roots: nodes.
        stop: edges that are not followed and not told.
    """
    edges: dict[Any, Sequence[tuple[Any, int]]] = {}
    order: list[Any] = []
    opened: list[Any] = []  # nodes below which one is
    stack: list[Any] = list(roots)
    while stack:
        node = stack.pop()
        if node is None:  # all below the node that was opened last is done
            order.append(opened.pop())
        elif node not in edges:
            below = node.next_functions
            edges[node] = below = below if not stop else [e for e in below if e not in stop]
            opened.append(node)
            stack.append(None)
            for child, _ in below:
                if child is not None:
                    stack.append(child)
    return {node: edges[node] for node in reversed(order)}


def gradients(
    scalars: Sequence[Tensor],
    candidates: Sequence[Tensor],
    weights: Sequence[Tensor] | None = None,
    *,
    retain: bool = False,
) -> list[tuple[Tensor, Tensor]]:
    """Returns `(parameter, gradient)` of the weighted sum of `scalars`, in one backward pass.

    A gradient has the shape of its parameter.

    Args:
        scalars: the addends, each with a graph; with `weights` also tensors of any shape.
        candidates: parameters; those that are not reached are left out.
        weights: the factor of each of `scalars`, in its shape; 1 by default.
        retain: keep the graph for a later pass.
    """
    if any_shards() and any(map(is_shard, candidates)):
        return shard_gradients(scalars, candidates, weights, retain=retain)
    found = torch.autograd.grad(
        scalars, candidates, weights, retain_graph=retain, allow_unused=True
    )
    return [(p, g) for p, g in zip(candidates, found, strict=True) if g is not None]


def joint_gradients(
    losses: Sequence[Tensor],
    candidates: Sequence[Tensor],
    weights: Tensor,
    *,
    retain: bool = False,
    extreme: bool = False,
) -> list[tuple[Tensor, Tensor]]:
    """Returns `(parameter, gradient)` of the weighted sum of losses, in one backward pass.

    Args:
        losses: T scalars, each with a graph, or one vector `[T]`.
        candidates: parameters; those that are not reached are left out.
        weights: `[T]`.
        retain: keep the graph for a later pass.
        extreme: single precision does not hold the weights: a pass for each loss, and the sum is
            taken in double precision.
    """
    if len(losses) == 1 and losses[0].dim() == 1:
        if not extreme:
            return gradients(losses, candidates, [weights.to(losses[0])], retain=retain)
        losses = losses[0].unbind()
    if extreme:
        return _joined_in_double(losses, candidates, weights.tolist(), retain)
    if len({(loss.dtype, loss.device) for loss in losses}) == 1:  # one root is faster than many
        stacked = torch.stack(list(losses))
        return gradients([stacked], candidates, [weights.to(stacked)], retain=retain)
    each = [weight.to(loss) for weight, loss in zip(weights, losses, strict=True)]
    return gradients(losses, candidates, each, retain=retain)


def _joined_in_double(
    losses: Sequence[Tensor], candidates: Sequence[Tensor], weights: Sequence[float], retain: bool
) -> list[tuple[Tensor, Tensor]]:
    total: dict[int, tuple[Tensor, Tensor]] = {}
    for position, (loss, weight) in enumerate(zip(losses, weights, strict=True)):
        keep = retain or position + 1 < len(losses)
        for parameter, gradient in gradients([loss], candidates, retain=keep):
            dense = gradient.to_dense() if gradient.is_sparse else gradient
            part = dense.to(torch.promote_types(dense.dtype, torch.float64)) * weight
            known = total.get(id(parameter))
            total[id(parameter)] = (parameter, part if known is None else known[1] + part)
    return [(parameter, found.to(parameter.dtype)) for parameter, found in total.values()]


def kinds_of(losses: Iterable[Tensor]) -> set[type]:
    """Returns the kinds of the graph's nodes; empty if no loss has a graph.

    Example:
        >>> import torch
        >>> kinds = kinds_of([torch.ones((), requires_grad=True).exp()])
        >>> sorted(kind.__name__ for kind in kinds)
        ['AccumulateGrad', 'ExpBackward0']
    """
    roots = [loss.grad_fn for loss in losses if loss.grad_fn is not None]
    return {type(node) for node in parents_first(roots)}
