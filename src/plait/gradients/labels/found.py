"""The gradients of all tasks, held label by label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.core.real import as_real
from plait.gradients.gramian import gramian
from plait.gradients.labels.layers.base import LabelLayer
from plait.gradients.labels.places import Use
from plait.gradients.labels.ranks import Ranks

Own = Sequence[tuple[Tensor, str, Tensor]]  # (parameter, the one task that reaches it, gradient)
Pairs = Sequence[tuple[Tensor, Tensor]]  # (parameter, gradient)


@dataclass(frozen=True)
class AtUse:
    """The gradients of all labels at the output of a node that uses shared parameters.

    Attributes:
        use: the node and the parameters.
        layer: makes gradients at the parameters of them.
        gradients: D `[N, ...]`; see `LabelLayer`.
    """

    use: Use
    layer: LabelLayer
    gradients: Tensor


class LabelGradients:
    """Holds the gradients of all tasks at the shared parameters, without a row of any task.

    A parameter that is used several times gets a row for each task, since products of sums are no
    sums of products; so does one from which a weight is computed.

    Args:
        ranks: of the labels.
        at: every use of shared parameters.
        outside: `[T]`, how large the gradients of a task are at examples without a label of it: 0,
            or not finite.
        alone: `(parameter, task, gradient)` of shared parameters that one task alone reaches.
        own: the same, of parameters outside of the comparison.
        summed: `(parameter, gradient)` of the plain sum of the losses, where several tasks reach a
            parameter outside of the comparison.
    """

    def __init__(
        self,
        ranks: Ranks,
        at: Sequence[AtUse],
        outside: Tensor,
        alone: Own = (),
        own: Own = (),
        summed: Pairs = (),
    ) -> None:
        self.ranks = ranks
        self.at = at
        self.alone = alone
        self.own = own
        self.summed = summed
        self.outside = outside
        counts = Counter(id(p) for each in at for p in each.use.reaches)
        single = [
            not each.use.computed and all(counts[id(p)] == 1 for p in each.use.reaches)
            for each in at
        ]
        self._single = [each for each, alone in zip(at, single, strict=True) if alone]
        self._several = [each for each, alone in zip(at, single, strict=True) if not alone]

    @torch.no_grad()
    def multiply(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Returns the inner products of the tasks' gradients at the shared parameters.

        Args:
            dtype: in which they are multiplied, at least.

        Returns:
            `[T, T]`, float64. NaN at a task whose gradient is NaN at an example without a label.
        """
        total = torch.diag(self.outside.double() * 0)
        for each in self._single:
            total += each.layer.gramian(each.gradients, self.ranks, dtype)
        for _, task, gradient in self.alone:
            number = self.ranks.tasks.index(task)
            total[number, number] += gramian(_flat(gradient)[None], dtype)[0, 0]
        if self._several:
            total += gramian(self._rows_of_several(), dtype)
        return total

    @torch.no_grad()
    def weighted(self, weights: Tensor, *, extreme: bool = False) -> Pairs:
        """Returns `(parameter, gradient)` of the weighted sum, in one product for each layer.

        Args:
            weights: `[T]`.
            extreme: single precision does not hold them, and the sum is taken in double precision.
        """
        ends: list[GradientEdge] = []
        found: list[Tensor] = []
        for each in self.at:
            wide = weights.to(
                each.gradients.device, torch.float64 if extreme else each.gradients.dtype
            )
            ends += each.layer.operands
            found += each.layer.weighted(each.gradients, self.ranks, wide)
        pairs = _at_parameters(_parameters(self.at), ends, found)
        for parameter, task, gradient in self.alone:
            weight = float(weights[self.ranks.tasks.index(task)])
            pairs.append((parameter, (gradient.double() * weight).to(gradient.dtype)))
        return pairs

    def rows(self) -> Iterator[tuple[str, list[tuple[Tensor, Tensor]]]]:
        """Yields `(task, its (parameter, gradient) pairs)`, as passes by task would give them.

        What only the pass of the sum of all losses tells comes with the first task.
        """
        broken = (self.outside != 0).tolist()
        for number, task in enumerate(self.ranks.tasks):
            with torch.no_grad():
                pairs = self._row(self.at, number)
            if broken[number]:
                pairs = [(p, torch.full_like(gradient, torch.nan)) for p, gradient in pairs]
            pairs += [(p, g) for p, name, g in (*self.alone, *self.own) if name == task]
            pairs += [] if number else self.summed
            yield task, pairs

    def _row(self, at: Sequence[AtUse], number: int) -> list[tuple[Tensor, Tensor]]:
        ends: list[GradientEdge] = []
        found: list[Tensor] = []
        for each in at:
            ends += each.layer.operands
            found += each.layer.row(each.gradients, self.ranks, number)
        return _at_parameters(_parameters(at), ends, found)

    def _rows_of_several(self) -> Tensor:
        """Returns rows `[T, width]` at the parameters that need them."""
        return torch.stack(
            [
                torch.cat([_flat(gradient) for _, gradient in self._row(self._several, number)])
                for number in range(len(self.ranks.tasks))
            ]
        )


def _parameters(at: Sequence[AtUse]) -> list[Tensor]:
    """Returns the parameters of some uses, each of them once."""
    found = {id(p): p for each in at for p in each.use.reaches}
    return list(found.values())


def _at_parameters(
    parameters: list[Tensor], ends: list[GradientEdge], found: list[Tensor]
) -> list[tuple[Tensor, Tensor]]:
    """Takes gradients from where parameters enter nodes to the parameters themselves."""
    if not parameters:
        return []
    typed = [
        each.to(end.node._input_metadata[end.output_nr].dtype)
        for each, end in zip(found, ends, strict=True)
    ]
    gradients = torch.autograd.grad(ends, parameters, typed, retain_graph=True)
    return list(zip(parameters, gradients, strict=True))


def _flat(gradient: Tensor) -> Tensor:
    return as_real(gradient.to_dense() if gradient.is_sparse else gradient).flatten()
