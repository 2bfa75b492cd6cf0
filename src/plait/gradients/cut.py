"""Gradients at a representation that the tasks share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.gradients.gramian import gramian
from plait.gradients.graph import depend, leaves, reached_by


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

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors that were cut."""
        return [tensor for tensor, _ in self.pairs]

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

    Attributes:
        gramian: `[T, T]`, over the batch and all features, float64.
        own: `(parameter, task, gradient)` of the parameters above the features.
        dtype: of the features.

    Raises:
        ConfigError: a parameter is reached around the features by two tasks, or by one of them and
            through the features; the tasks read no feature in common; a tensor depends on another.
    """

    def __init__(
        self,
        losses: Mapping[str, Tensor],
        features: Cut | Sequence[Tensor],
        candidates: Collection[int],
    ) -> None:
        if isinstance(features, Cut):
            self.tensors, read = features.tensors, [leaf for _, leaf in features.pairs]
        else:
            self.tensors = read = list(features)
            if depend(read):
                raise ConfigError(
                    "one of the features depends on another, so what is below both would count "
                    "twice. Give a `Cut` (`plait.gradients.Cut`), through which the heads read."
                )
        heads = self._heads(losses, read, candidates)
        self.own: list[tuple[Tensor, str, Tensor]] = []
        self._rows: list[list[Tensor | None]] = []
        for task, loss in losses.items():
            row, own = self._differentiate(loss, read, heads[task])
            self._rows.append(row)
            self.own += [(parameter, task, gradient) for parameter, gradient in own]
        self._check(list(losses))
        self.gramian = self._gramian()
        self.dtype = self.tensors[0].dtype

    def trunk(self, weights: Tensor, parameters: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Returns `(parameter, gradient)` below the features, in one backward pass.

        Args:
            weights: `[T]`, of the tasks' gradients at the features.
            parameters: those that may be reached.
        """
        outputs, combined = [], []
        for position, tensor in enumerate(self.tensors):
            parts = [
                gradient * weight.to(gradient)
                for weight, row in zip(weights, self._rows, strict=True)
                if (gradient := row[position]) is not None
            ]
            if parts and tensor.requires_grad:
                outputs.append(tensor)
                combined.append(torch.stack(parts).sum(dim=0))
        if not outputs or not parameters:
            return []
        found = torch.autograd.grad(outputs, parameters, combined, allow_unused=True)
        return [(p, g) for p, g in zip(parameters, found, strict=True) if g is not None]

    def _heads(
        self, losses: Mapping[str, Tensor], read: Sequence[Tensor], candidates: Collection[int]
    ) -> dict[str, list[Tensor]]:
        """Returns the parameters above the features by the one task that reaches them."""
        heads: dict[str, list[Tensor]] = {task: [] for task in losses}
        below = set(map(id, leaves(self.tensors)))
        wanted = set(candidates) - set(map(id, read))
        stop = {(tensor.grad_fn, tensor.output_nr) for tensor in read}
        for parameter, tasks in reached_by(losses, stop):
            if id(parameter) not in wanted:
                continue
            if len(tasks) > 1 or id(parameter) in below:
                raise ConfigError(
                    f"a parameter {list(parameter.shape)} that several tasks share is reached "
                    f"around the features, by {', '.join(tasks)}, so the gradients at the features "
                    "do not tell the whole conflict. Use at='parameters'."
                )
            heads[tasks[0]].append(parameter)
        return heads

    @staticmethod
    def _differentiate(
        loss: Tensor, read: Sequence[Tensor], heads: Sequence[Tensor]
    ) -> tuple[list[Tensor | None], list[tuple[Tensor, Tensor]]]:
        found = torch.autograd.grad(loss, [*read, *heads], retain_graph=True, allow_unused=True)
        own = zip(heads, found[len(read) :], strict=True)
        return list(found[: len(read)]), [(p, g) for p, g in own if g is not None]

    def _check(self, tasks: Sequence[str]) -> None:
        """Refuses tasks that have no feature in common."""
        common = [
            position
            for position in range(len(self.tensors))
            if all(row[position] is not None for row in self._rows)
        ]
        if not common:
            raise ConfigError(
                f"tasks {', '.join(tasks)} read no feature in common, so their gradients at the "
                "features cannot be compared. Use at='parameters'."
            )

    def _gramian(self) -> Tensor:
        tasks = len(self._rows)
        total = torch.zeros(tasks, tasks, dtype=torch.float64)
        for position in range(len(self.tensors)):
            found = [row[position] for row in self._rows]
            like = next((gradient for gradient in found if gradient is not None), None)
            if like is not None:
                zero = torch.zeros_like(like)
                rows = [zero if gradient is None else gradient for gradient in found]
                total += gramian(torch.stack(rows).flatten(1)).cpu()
        return total
