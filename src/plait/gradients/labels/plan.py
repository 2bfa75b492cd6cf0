"""Gradients of several tasks in one backward pass, where the tasks have different examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from plait.core.real import real_dtype
from plait.gradients.labels.feed import Feed
from plait.gradients.labels.found import AtUse, LabelGradients
from plait.gradients.labels.label_rows import passed_down
from plait.gradients.labels.layers.base import LabelLayer, by_example, by_example_shape
from plait.gradients.labels.layers.nodes import label_layer
from plait.gradients.labels.places import Cut, Refusal, Use
from plait.gradients.labels.ranks import Ranks
from plait.gradients.labels.walk import walk
from plait.gradients.task_graph import TaskGraph

START = 1e8  # multiply-adds in the time that a plan takes, beyond that of rows
USE = 1e7  # the same, for each use of parameters
CUT = 3e6  # the same, for each cut, where a pass carries a row for each label
ROW = 3e6  # the same, for each use and task, where rows are formed


@dataclass
class LabelPlan:
    """Plans the gradients of all tasks in as many backward passes as an example has labels.

    Below the heads each example goes its own way, so that what is fed in at an example comes back
    at that example alone. So one pass carries a label of every example, whichever task it is of,
    and the gradients at the layers' outputs are told apart by example. First, one pass through the
    heads tells what each task feeds in. Where many examples have few labels and every node is known
    row by row, one pass with a row for each label takes the place of the others.

    Attributes:
        ranks: the labels, and the pass in which each goes.
        shared: parameters whose gradients are compared.
        cuts: where the tasks' own parts of the graph end.
        uses: of the shared parameters.
        layers: what each use adds, label by label.
        alone: `(parameter, task)` of shared parameters that one task alone reaches in this step.
        own: `(parameter, tasks)` of the others.
        dtype: of the gradients.
        rows_known: whether one pass may carry a row for each label.
    """

    ranks: Ranks
    shared: Sequence[Tensor]
    cuts: Sequence[Cut]
    uses: Sequence[Use]
    layers: Sequence[LabelLayer]
    alone: Sequence[tuple[Tensor, str]]
    own: Sequence[tuple[Tensor, Sequence[str]]]
    dtype: torch.dtype
    rows_known: bool = False

    @classmethod
    def of(
        cls,
        losses: Mapping[str, Tensor],
        masks: Mapping[str, Tensor],
        shared: Sequence[Tensor],
        own: Sequence[tuple[Tensor, Sequence[str]]] = (),
        graph: TaskGraph | None = None,
    ) -> LabelPlan | Refusal:
        """Finds the layers in the graph, or why the gradients cannot be split by example.

        Args:
            losses: `{task: scalar}`; their graph is not freed.
            masks: `{task: [B], bool}` of the same tasks, whether an example has a label.
            shared: parameters whose gradients are compared.
            own: `(parameter, tasks that reach it)` of those whose gradients are wanted as they are.
            graph: of the losses, if it has been read.
        """
        device = next(iter(losses.values())).device
        ranks = Ranks.of({task: masks[task] for task in losses}, device)
        found = walk(graph or TaskGraph(losses), ranks.examples, shared)
        if isinstance(found, Refusal):
            return found
        layers = []
        for use in found.uses:
            layer = label_layer(use)
            if layer is None:
                return _unknown(use)
            layers.append(layer)
        dtype = real_dtype(shared, torch.float32)
        cuts, uses, alone = found.cuts, found.uses, found.alone
        return cls(ranks, shared, cuts, uses, layers, alone, list(own), dtype, found.by_row)

    @property
    def passes(self) -> int:
        """The backward passes below the heads."""
        return self.ranks.passes

    @property
    def operations(self) -> float:
        """Multiply-adds of the passes below the heads, the Gramian and the weighted sum.

        With those of what torch calls take where the layers are small.
        """
        gramian = sum(layer.operations(self.ranks) for layer in self.layers)
        return self.below + self.half + gramian + START + USE * len(self.uses)

    @property
    def row_operations(self) -> float:
        """Multiply-adds of the passes below the heads, and of a row for each task.

        With those of what torch calls take where the layers are small.
        """
        ranks, uses = self.ranks, len(self.uses)
        products = ranks.labels / ranks.examples * self.half
        calls = len(ranks.tasks) * (uses + 1) * ROW
        return self.below + products + START + USE * uses + calls

    @property
    def below(self) -> float:
        """Multiply-adds of the passes below the heads, or of the one with a row for each label."""
        passes = self.passes * self.half
        if not self.rows_known:
            return passes
        each = self.ranks.labels / self.ranks.examples * self.half
        return min(passes, each + CUT * len(self.cuts))

    @property
    def by_row(self) -> bool:
        """Whether that one is taken."""
        return self.below < self.passes * self.half

    @property
    def half(self) -> float:
        """Multiply-adds of a pass below the heads, which forms no gradient at a weight."""
        return sum(layer.explicit for layer in self.layers)

    def run(
        self, losses: Mapping[str, Tensor], *, retain: bool = False
    ) -> LabelGradients | Refusal:
        """Differentiates; the last pass frees the graph, unless a mask turns out to be wrong.

        Args:
            losses: those that the plan was made of.
            retain: the last pass keeps the graph as well.
        """
        edges: list[Any] = [cut.edge for cut in self.cuts]
        alone = [parameter for parameter, _ in self.alone]
        own = [parameter for parameter, _ in self.own]
        at_edges, at_alone, at_own = _sum(list(losses.values()), edges, alone, own)
        with torch.no_grad():
            feed = Feed(self.cuts, at_edges, self.ranks)
            if (task := feed.wrong()) is not None:
                return Refusal(
                    "",
                    f"task {task!r} has a gradient at an example that `labels` says it has no "
                    "label of: the mask is wrong, or its head or loss acts across examples, as "
                    "BatchNorm does",
                )
            found = self._below(feed, retain)
        return LabelGradients(
            self.ranks,
            [AtUse(*each) for each in zip(self.uses, self.layers, found, strict=True)],
            feed.outside,
            alone=[
                (p, t, g) for (p, t), g in zip(self.alone, at_alone, strict=True) if g is not None
            ],
            own=[
                (p, t[0], g)
                for (p, t), g in zip(self.own, at_own, strict=True)
                if g is not None and len(t) == 1
            ],
            summed=[
                (p, g)
                for (p, t), g in zip(self.own, at_own, strict=True)
                if g is not None and len(t) > 1
            ],
        )

    def _below(self, feed: Feed, retain: bool) -> list[Tensor]:
        """Returns D `[N, ...]` at each use, from the passes below the cuts."""
        if self.by_row:
            edges = [use.edge for use in self.uses]
            rows = passed_down(self.ranks, feed.by_task(), edges, retain=retain)
            self.rows_known = rows is not None
            if rows is not None:
                pairs = zip(self.uses, rows, strict=True)
                return [self._empty(use) if row is None else row.unsqueeze(1) for use, row in pairs]
        return self._in_passes(feed, retain)

    def _in_passes(self, feed: Feed, retain: bool) -> list[Tensor]:
        """Returns the same from passes that carry one label of each example."""
        ranks = self.ranks
        found: list[Tensor | None] = [None] * len(self.uses)
        for number, place in enumerate(ranks.places):
            edges, fed = feed.of(number)
            if not edges or not self.uses:
                continue
            gradients = torch.autograd.grad(
                edges,
                [use.edge for use in self.uses],
                fed,
                retain_graph=retain or number + 1 < ranks.passes,
                allow_unused=True,
            )
            example = ranks.example[place]
            for position, (use, gradient) in enumerate(zip(self.uses, gradients, strict=True)):
                if gradient is None:
                    continue
                labelled = by_example(gradient, use.output).index_select(0, example)
                if ranks.passes > 1:
                    whole = found[position]
                    whole = self._empty(use) if whole is None else whole
                    labelled = whole.index_copy_(0, place, labelled)
                found[position] = labelled
        pairs = zip(self.uses, found, strict=True)
        return [self._empty(use) if each is None else each for use, each in pairs]

    def _empty(self, use: Use) -> Tensor:
        """Returns D `[N, ...]` of zeros, the gradients where a use is not reached."""
        output = use.node._input_metadata[0]
        shape = by_example_shape(output.shape, use.output)
        assert shape is not None
        return torch.zeros(self.ranks.labels, *shape[1:], dtype=output.dtype, device=output.device)


def _sum(losses: list[Tensor], *inputs: list[Any]) -> Iterator[list[Tensor | None]]:
    """Yields the gradients of the sum of the losses, list by list; the graph is kept."""
    asked = [each for some in inputs for each in some]
    found: Iterable[Tensor | None] = ()
    if asked:
        alike = len({(loss.dtype, loss.device) for loss in losses}) == 1
        roots = [torch.stack(losses)] if alike else losses  # one root is faster than many
        ones = [torch.ones_like(root) for root in roots]
        found = torch.autograd.grad(roots, asked, ones, retain_graph=True, allow_unused=True)
    remaining = iter(found)
    return ([next(remaining) for _ in some] for some in inputs)


def _unknown(use: Use) -> Refusal:
    return Refusal(
        use.node.name(),
        "uses its parameters in a way that is not known label by label",
        use.reaches,
        inside=True,
    )
