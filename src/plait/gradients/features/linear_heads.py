"""Gradients at features that every task reads through one linear layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

FIRST = 1  # where addmm(bias, features, weight) has its features


class LinearHeads:
    """Computes the Gramian of the tasks' gradients at one feature matrix z `[B, F]`, without these.

    With D_t the gradient at the output ``z W_t^T + b_t`` of the layer by which task t reads z, its
    gradient at z is D_t W_t, so that

        G_st = <D_s W_s, D_t W_t> = sum (D_s^T D_t) * (W_s W_t^T),    sum_t w_t D_t W_t

    take products of small matrices, and one backward pass through all heads gives every D_t.

    Args:
        losses: `{task: scalar}`; no two have a node above z in common.
        nodes: `{task: its layer's node}`.
        heads: `{task: parameters above z}`.
        retain: keep the graph above z for a later pass.

    Attributes:
        own: `(parameter, task, gradient)` of `heads`; without those that a loss does not reach.
    """

    def __init__(
        self,
        losses: Mapping[str, Tensor],
        nodes: Mapping[str, Any],
        heads: Mapping[str, Sequence[Tensor]],
        *,
        retain: bool = True,
    ) -> None:
        named = [(parameter, task) for task, own in heads.items() for parameter in own]
        wanted: list[Any] = [GradientEdge(node, 0) for node in nodes.values()]
        wanted += [parameter for parameter, _ in named]
        self._weights = torch.cat(
            [node._saved_mat2.detach() for node in nodes.values()], dim=1
        )  # [F, K]
        found = torch.autograd.grad(
            list(losses.values()), wanted, retain_graph=retain, allow_unused=True
        )
        outputs = found[: len(nodes)]
        self.own = [
            (parameter, task, gradient)
            for (parameter, task), gradient in zip(named, found[len(nodes) :], strict=True)
            if gradient is not None
        ]
        self._outputs = torch.cat(outputs, dim=1)  # [B, K], K outputs in all
        self._sizes = torch.tensor([output.shape[1] for output in outputs])

    def multiply(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Returns the inner products of the tasks' gradients at z.

        Args:
            dtype: in which they are multiplied, at least.

        Returns:
            `[T, T]`, float64.
        """
        dtype = torch.promote_types(self._outputs.dtype, dtype)
        outputs, weights = self._outputs.to(dtype), self._weights.to(dtype)
        products = (outputs.T @ outputs) * (weights.T @ weights)
        count = len(self._sizes)
        tasks = torch.arange(count).repeat_interleave(self._sizes)
        member = torch.nn.functional.one_hot(tasks, count).to(products.device).double()
        return member.T @ products.double() @ member

    def combine(self, weights: Tensor, *, extreme: bool = False) -> Tensor:
        """Returns the weighted sum `[B, F]` of the tasks' gradients at z.

        Args:
            weights: `[T]`.
            extreme: whether single precision does not hold them.
        """
        each = weights.repeat_interleave(self._sizes)
        if not extreme:
            return (self._outputs * each.to(self._outputs)) @ self._weights.T
        combined = (self._outputs * each.to(self._outputs.device)) @ self._weights.double().T
        return combined.to(self._outputs.dtype)


def linear_readers(losses: Mapping[str, Tensor], features: Tensor) -> dict[str, Any] | None:
    """Returns `{task: the node}` if each task reads the features by one linear layer; else None.

    Args:
        losses: `{task: scalar}`.
        features: `[B, F]`, a leaf or not.
    """
    if features.dim() != 2:
        return None
    end = features.grad_fn or torch.autograd.graph.get_gradient_edge(features).node
    found: dict[str, Any] = {}
    for task, loss in losses.items():
        readers = _readers(loss.grad_fn, end, features.output_nr)
        if len(readers) != 1 or not _is_linear(readers[0], end):
            return None
        found[task] = readers[0]
    return found if len(set(found.values())) == len(found) else None


def _readers(root: Any, end: Any, output: int) -> list[Any]:
    """Returns the nodes above `end` that read it, once for each time."""
    readers, seen, stack = [], {root}, [root] if root is not None else []
    while stack:
        node = stack.pop()
        for child, number in node.next_functions:
            if child is end and number == output:
                readers.append(node)
            elif child is not None and child not in seen and child is not end:
                seen.add(child)
                stack.append(child)
    return readers


def _is_linear(node: Any, end: Any) -> bool:
    """Returns whether a node is ``z W^T + b``, and autograd hands out what it keeps."""
    if node.name() != "AddmmBackward0" or node.next_functions[FIRST][0] is not end:
        return False
    if node._saved_alpha != 1 or node._saved_beta != 1:
        return False
    try:
        kept: Tensor | None = node._saved_mat2
    except RuntimeError:  # freed
        return False
    return kept is not None and kept.dim() == 2
