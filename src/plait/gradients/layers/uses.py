"""The node of the autograd graph that makes the only use of a parameter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

# Nodes that hand on every entry of a tensor once, in another place: inner products stay as they are
REORDERS = {
    "PermuteBackward0",
    "ReshapeAliasBackward0",
    "SqueezeBackward1",
    "TBackward0",
    "TransposeBackward0",
    "UnsafeViewBackward0",
    "UnsqueezeBackward0",
    "ViewBackward0",
}


def single_uses(
    losses: Iterable[Tensor], parameters: Sequence[Tensor]
) -> dict[Any, dict[int, Tensor]]:
    """Returns `{node: {position of the input: parameter}}` of parameters that have one use.

    Empty if there are none.

    A parameter that is used twice, whose use is a loss itself, or whose gradient a hook changes, is
    left out. Views that only reorder its entries are looked through.

    Example:
        >>> import torch
        >>> x, w = torch.ones(2, 3), torch.ones(4, 3, requires_grad=True)
        >>> tied = torch.ones(4, requires_grad=True)
        >>> loss = ((x @ w.T + tied) * tied).sum()
        >>> [(node.name(), list(uses)) for node, uses in single_uses([loss], [w, tied]).items()]
        [('MmBackward0', [1])]
    """
    wanted = {id(parameter) for parameter in parameters if not parameter._backward_hooks}
    parents: dict[Any, list[tuple[Any, int]]] = {}
    ends: dict[Any, Tensor] = {}
    stack = []
    for loss in losses:
        if loss.grad_fn is not None:
            parents.setdefault(loss.grad_fn, []).append((None, 0))
            stack.append(loss.grad_fn)
        else:  # a leaf is a loss, which is a use of it
            wanted.discard(id(loss))
    seen = set(stack)
    while stack:
        node = stack.pop()
        if hasattr(node, "variable"):
            ends[node] = node.variable
        for position, (child, _) in enumerate(node.next_functions):
            if child is not None:
                parents.setdefault(child, []).append((node, position))
                if child not in seen:
                    seen.add(child)
                    stack.append(child)
    found: dict[Any, dict[int, Tensor]] = {}
    for end, parameter in ends.items():
        if id(parameter) in wanted:
            node, position = _climb(end, parents)
            if node is not None:
                found.setdefault(node, {})[position] = parameter
    return found


def _climb(node: Any, parents: dict[Any, list[tuple[Any, int]]]) -> tuple[Any, int]:
    """Returns the first node above that does more than reorder, if the way there has no branch."""
    while True:
        if len(parents[node]) != 1:
            return None, 0
        node, position = parents[node][0]
        if node is None or node.name() not in REORDERS:
            return node, position
