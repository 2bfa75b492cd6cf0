"""Gradients at a representation that the tasks share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.gradients.gramian import gramian
from plait.gradients.graph import gradients, reached_by
from plait.gradients.linear_heads import LinearHeads, linear_readers
from plait.gradients.scratch import Scratch


class Cut:
    """Cuts a graph in two where it is called: what comes after starts from a leaf of its own.

    The heads' gradients at the leaf are then exactly what the trunk below has to be given, also
    where heads read several levels of one trunk, each of which depends on the one before.

    Attributes:
        pairs: `(tensor, leaf)`; one pair for each tensor, however often it was cut.

    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> cut = Cut()
        >>> leaf = cut(w * 3)
        >>> leaf.is_leaf, leaf is cut(cut.pairs[0][0])
        (True, True)
    """

    def __init__(self) -> None:
        self.pairs: list[tuple[Tensor, Tensor]] = []

    def __call__(self, tensor: Tensor) -> Tensor:
        """Returns the leaf that stands for `tensor`."""
        for known, leaf in self.pairs:
            if known is tensor:
                return leaf
        self.pairs.append((tensor, tensor.detach().requires_grad_()))
        return self.pairs[-1][1]


class FeatureGradients:
    """The tasks' gradients at shared features; one backward pass through each head.

    Args:
        losses: `{task: scalar}`.
        features: a `Cut`, or tensors of which none depends on another.
        candidates: ids of the parameters that may get a gradient.
        scratch: memory for the rows, `[T, N]`, N the numbers in all features.

    Attributes:
        gramian: `[T, T]`, over the batch and all features, float64.
        own: `(parameter, task, gradient)` of the parameters above the features.
        dtype: of the features.

    Raises:
        ConfigError: a parameter above the features is reached by two tasks, or the tasks do not
            read the same features.
    """

    def __init__(
        self,
        losses: Mapping[str, Tensor],
        features: Cut | Sequence[Tensor],
        candidates: Collection[int],
        scratch: Scratch | None = None,
    ) -> None:
        pairs = features.pairs if isinstance(features, Cut) else [(each, each) for each in features]
        self._tensors = [tensor for tensor, _ in pairs]
        self._leaves = [leaf for _, leaf in pairs]
        self.dtype = self._tensors[0].dtype
        stop = {tensor.grad_fn for tensor, leaf in pairs if tensor is leaf}
        heads: dict[str, list[Tensor]] = {task: [] for task in losses}
        for parameter, tasks in reached_by(losses, stop):
            if id(parameter) in candidates:
                if len(tasks) > 1:
                    raise ConfigError(
                        f"tasks {', '.join(tasks)} share a parameter {list(parameter.shape)} that "
                        "is not below the features, so their gradients at the features do not "
                        "tell the whole conflict. Use at='parameters'."
                    )
                heads[tasks[0]].append(parameter)
        self.own: list[tuple[Tensor, str, Tensor]] = []
        self._linear: LinearHeads | None = None
        if len(pairs) == 1 and (nodes := linear_readers(losses, self._leaves[0])):
            self._linear = LinearHeads(losses, nodes, heads)
            self.gramian, self.own = self._linear.gramian, self._linear.own
        else:
            self.gramian = self._form_rows(losses, heads, scratch or Scratch())

    def trunk(self, weights: Tensor, parameters: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Returns `(parameter, gradient)` below the features, in one backward pass.

        Args:
            weights: `[T]`, of the tasks' gradients at the features.
            parameters: those that may be reached.
        """
        if self._linear is not None:
            pieces: Sequence[Tensor] = [self._linear.combine(weights)]
        else:
            combined = weights.to(self._rows) @ self._rows
            pieces = combined.split_with_sizes(self._sizes)
        below = [
            (tensor, piece.view(tensor.shape))
            for tensor, piece in zip(self._tensors, pieces, strict=True)
            if tensor.requires_grad
        ]
        if not below or not parameters:
            return []
        return gradients([t for t, _ in below], parameters, [piece for _, piece in below])

    def _form_rows(
        self, losses: Mapping[str, Tensor], heads: Mapping[str, list[Tensor]], scratch: Scratch
    ) -> Tensor:
        """Writes a row for each task; returns their inner products."""
        self._sizes = [leaf.numel() for leaf in self._leaves]
        device = self._leaves[0].device
        self._rows = scratch.take(len(losses), sum(self._sizes), self.dtype, device)
        common = set(range(len(self._leaves)))
        for row, (task, loss) in zip(self._rows, losses.items(), strict=True):
            common &= self._differentiate(row, task, loss, heads[task])
        if not common:
            raise ConfigError(
                f"tasks {', '.join(losses)} read no feature in common, so their gradients at the "
                "features cannot be compared. Use at='parameters'."
            )
        return gramian(self._rows)

    def _differentiate(
        self, row: Tensor, task: str, loss: Tensor, heads: Sequence[Tensor]
    ) -> set[int]:
        """Writes the row of a task; returns the positions of the features that it reads."""
        inputs = [*self._leaves, *heads]
        found = torch.autograd.grad(loss, inputs, retain_graph=True, allow_unused=True)
        count, reached = len(self._leaves), set()
        self.own += [
            (p, task, g) for p, g in zip(heads, found[count:], strict=True) if g is not None
        ]
        places = row.split_with_sizes(self._sizes)
        for position, (place, gradient) in enumerate(zip(places, found[:count], strict=True)):
            if gradient is None:
                place.zero_()
            else:
                place.view(gradient.shape).copy_(gradient)
                reached.add(position)
        return reached
