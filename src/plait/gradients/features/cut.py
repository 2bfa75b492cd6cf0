"""Gradients at a representation that the tasks share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.core.exponents import weighted
from plait.core.real import as_like, as_real, real_count, real_dtype
from plait.gradients.features.linear_heads import LinearHeads, linear_readers
from plait.gradients.gramian import gramian
from plait.gradients.graph import depend, gradients, leaves
from plait.gradients.scratch import Scratch
from plait.gradients.task_graph import reached_by


class Cut:
    """Cuts a graph in two where it is called: what comes after starts from a leaf of its own.

    The heads' gradients at the leaf are then exactly what the trunk below has to be given, also
    where heads read several levels of one trunk, each of which depends on the one before.

    Attributes:
        pairs: `(tensor, leaf)`; one pair for each tensor, however often it was cut; empty before
            the first call.

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
    """Computes the tasks' gradients at shared features, in one backward pass through each head.

    Args:
        losses: `{task: scalar}`.
        features: a `Cut`, or tensors of which none depends on another.
        candidates: ids of the parameters that may get a gradient.
        scratch: memory for the rows `[T, N]`, N the numbers in all features; new by default.
        retain: keep the graph above the features for a later pass.

    Attributes:
        own: `(parameter, task, gradient)` of the parameters above the features; empty if none of
            them is a candidate.
        dtype: of the rows; that of the features, float32 at least.

    Raises:
        ConfigError: a parameter is reached around the features by two tasks, or by one of them and
            through the features; the tasks read no feature in common; a tensor depends on another.
    """

    def __init__(
        self,
        losses: Mapping[str, Tensor],
        features: Cut | Sequence[Tensor],
        candidates: Collection[int],
        scratch: Scratch | None = None,
        *,
        retain: bool = True,
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
        if not read:
            raise _nothing_in_common(losses)
        heads = self._heads(losses, read, candidates)
        self.own: list[tuple[Tensor, str, Tensor]] = []
        self.dtype = real_dtype(read, torch.float32)
        self._linear: LinearHeads | None = None
        self._reached: set[int] = set()  # positions of the features that some task reads
        if len(read) == 1 and (nodes := linear_readers(losses, read[0])):
            self._linear = LinearHeads(losses, nodes, heads, retain=retain)
            self.own = self._linear.own
            self._reached.add(0)
        else:
            self._form_rows(losses, read, heads, scratch or Scratch(), retain)

    def multiply(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Returns the inner products of the tasks' gradients, over the batch and all features.

        Args:
            dtype: in which they are multiplied, at least.

        Returns:
            `[T, T]`, float64.
        """
        if self._linear is not None:
            return self._linear.multiply(dtype)
        return gramian(self._rows, dtype)

    def trunk(
        self,
        weights: Tensor,
        parameters: Sequence[Tensor],
        *,
        retain: bool = False,
        extreme: bool = False,
    ) -> list[tuple[Tensor, Tensor]]:
        """Returns `(parameter, gradient)` below the features, in one backward pass.

        Empty if no feature that is read needs a gradient.

        Args:
            weights: `[T]`, of the tasks' gradients at the features.
            parameters: those that may be reached.
            retain: keep the graph for a later pass.
            extreme: whether single precision does not hold the weights.
        """
        if self._linear is not None:
            pieces: Sequence[Tensor] = [self._linear.combine(weights, extreme=extreme)]
        else:
            pieces = weighted(weights, self._rows, extreme=extreme).split_with_sizes(self._sizes)
        below = [
            (tensor, as_like(piece, tensor).to(tensor.dtype))
            for position, (tensor, piece) in enumerate(zip(self.tensors, pieces, strict=True))
            if position in self._reached and tensor.requires_grad
        ]
        if not below or not parameters:
            return []
        pieces = [piece for _, piece in below]
        return gradients([t for t, _ in below], parameters, pieces, retain=retain)

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

    def _form_rows(
        self,
        losses: Mapping[str, Tensor],
        read: Sequence[Tensor],
        heads: Mapping[str, list[Tensor]],
        scratch: Scratch,
        retain: bool,
    ) -> None:
        """Writes a row for each task."""
        self._sizes = [real_count(tensor) for tensor in read]
        self._rows = scratch.take(len(losses), sum(self._sizes), self.dtype, read[0].device)
        common = set(range(len(read)))
        last = list(losses)[-1]
        for row, (task, loss) in zip(self._rows, losses.items(), strict=True):
            keep = retain or task != last
            found = torch.autograd.grad(
                loss, [*read, *heads[task]], retain_graph=keep, allow_unused=True
            )
            own = zip(heads[task], found[len(read) :], strict=True)
            self.own += [(p, task, gradient) for p, gradient in own if gradient is not None]
            reached = self._write(row, found[: len(read)])
            self._reached |= reached
            common &= reached
        if not common:
            raise _nothing_in_common(losses)

    def _write(self, row: Tensor, found: Sequence[Tensor | None]) -> set[int]:
        """Writes the row of a task; returns the positions of the features that it reads."""
        places = row.split_with_sizes(self._sizes)
        for place, gradient in zip(places, found, strict=True):
            if gradient is None:
                place.zero_()
            else:
                numbers = as_real(gradient)
                place.view(numbers.shape).copy_(numbers)
        return {position for position, gradient in enumerate(found) if gradient is not None}


def _nothing_in_common(tasks: Iterable[str]) -> ConfigError:
    return ConfigError(
        f"tasks {', '.join(tasks)} read no feature in common, so their gradients at the features "
        "cannot be compared. Use at='parameters'."
    )
