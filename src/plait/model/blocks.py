"""Heads of like tasks that run at once, while a training has joined their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.batch import Part
from plait.core.features import Features
from plait.core.label_table import LabelTable
from plait.core.lazy_values import Slices
from plait.core.names import Names
from plait.core.outputs import Outputs, TaskFeatures
from plait.networks.joined import Joined, row_of
from plait.sharing import Sharing
from plait.tasks.base import BaseTask
from plait.tasks.block import BlockHead, losses_of

OF_THE_LOSS = frozenset(  # methods that one task may have in a way of its own
    ("loss", "elementwise", "errors", "label_weights", "valid", "in_scale")
)


class Block:
    """Like tasks that read the same features: one batched head, one vector of losses.

    Args:
        tasks: T of them, of one kind, in the order of the rows of `joined`.
        heads: their heads, in the same order.
        joined: the parameters of the heads' layers, weight and bias in turn.
    """

    def __init__(
        self, tasks: Sequence[BaseTask], heads: Sequence[nn.Module], joined: Sequence[Joined]
    ) -> None:
        self.tasks = Names([task.name for task in tasks])
        self.joined = tuple(joined)
        wholes = [each.whole for each in joined]
        self.head = BlockHead(heads, wholes[0::2], wholes[1::2])
        self.losses = losses_of(tasks)
        self._ends = (next(heads[0].parameters()), next(heads[-1].parameters()))
        self._holders = tuple(_holder(head) for head in (heads[0], heads[-1]))

    def intact(self) -> bool:
        """Returns whether the heads' parameters are the rows still, by the first and the last.

        They are not where others are in their place for a while (`torch.func.functional_call`), or
        once a module was moved.
        """
        held = all(
            holder._parameters["weight"] is end
            for holder, end in zip(self._holders, self._ends, strict=True)
        )
        return held and all(each.intact() for each in self.joined)

    def predict(self, features: Features, wanted: Names) -> Slices:
        """Returns the predictions `[B, n, K]` of tasks, in the order of the block."""
        return Slices(self.head(features, self._rows(wanted, features.levels[-1])), 1, wanted, self)

    def present(self, asked: AbstractSet[str] | None) -> Names:
        """Returns the tasks of the block that are among some; all if None is given."""
        if asked is None:
            return self.tasks
        return Names([name for name in self.tasks if name in asked])

    def loss(self, predicted: Slices, part: Part) -> tuple[Names, Tensor] | None:
        """Computes the losses `[n]` of the tasks that were predicted and have labels.

        Args:
            predicted: by `predict`.
            part: the labels.

        Returns:
            Their names and losses. None if the labels of a task have another shape than those of
            the others, or none that fits, so that each task has to look at its own.
        """
        prediction, labelled = predicted.whole, predicted.names
        if not labelled.place.keys() <= part.counts.keys():
            labelled = Names([name for name in labelled if name in part.counts])
            if not labelled:
                return labelled, prediction.new_zeros(0)
            chosen = torch.tensor(labelled.of(predicted.names.place))
            prediction = prediction.index_select(1, chosen.to(prediction.device))
        labels = _columns(part.targets, labelled)
        fitted = None if labels is None else self.losses.fitted(labels)
        if fitted is None or len(fitted) != len(prediction):
            return None
        weights = None
        if part.weights and any(name in part.weights for name in labelled):
            weights = _columns(part.weights, labelled)
            if weights is None:
                return None
        counts, rows = labelled.of(part.counts), self._rows(labelled, prediction)
        return labelled, self.losses(prediction, fitted, counts, weights, rows)

    def _rows(self, names: Names, near: Tensor) -> Tensor | None:
        """Returns the rows of tasks, on the device of another tensor; None for all."""
        if len(names) == len(self.tasks):
            return None
        rows = torch.tensor(names.of(self.tasks.place))
        return rows.to(near.device, non_blocking=True)


class Blocks:
    """The blocks of a model's heads.

    Args:
        all: the blocks.
        heads: `{task: head}` of all tasks.

    Attributes:
        count: the number of all tasks.
        apart: the tasks of no block.
        wholes: the parameters that the blocks read.
        others: the heads of the tasks of no block.
    """

    def __init__(self, all: Sequence[Block], heads: Mapping[str, nn.Module]) -> None:
        self.all = tuple(all)
        self.count = len(heads)
        together = {task for block in self.all for task in block.tasks}
        self.apart = tuple(task for task in heads if task not in together)
        self.wholes = tuple(each.whole for block in self.all for each in block.joined)
        self.others = tuple(heads[task] for task in self.apart)

    def __call__(
        self,
        sharing: Sharing,
        inputs: Any,
        wanted: Names,
        read: Callable[[str, Features], Tensor],
    ) -> Outputs:
        """Returns the predictions of the wanted tasks, where nothing passes between tasks.

        Args:
            sharing: from the inputs to the features.
            inputs: one common input.
            wanted: the tasks that are wanted, in order.
            read: gives the prediction of a task of no block from its features.
        """
        asked = None if len(wanted) == self.count else set(wanted)
        present = {block: block.present(asked) for block in self.all}
        together = {block: names for block, names in present.items() if names}
        apart = [task for task in self.apart if asked is None or task in asked]
        firsts = [names[0] for names in together.values()]
        shared: TaskFeatures = sharing(inputs, [*firsts, *apart])
        features = {task: shared[task] for task in apart}
        slices = []
        for block, names in together.items():
            features |= dict.fromkeys(names, shared[names[0]])
            slices.append(block.predict(shared[names[0]], names))
        alone = {task: read(task, shared[task]) for task in apart}
        return Outputs(
            wanted.pending | alone if alone else wanted,
            features=features,
            terms=shared.terms,
            watched=shared.watched,
            slices=slices,
        )

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """A copy of a model, in memory or in a file, has no blocks: it is not in training."""
        return type(None), ()

    def intact(self) -> bool:
        """Returns whether all of them are."""
        return all(block.intact() for block in self.all)


def blocks_of(
    tasks: Mapping[str, BaseTask], heads: Mapping[str, nn.Module], sharing: Sharing
) -> Blocks:
    """Finds the blocks among heads whose parameters are joined.

    Args:
        tasks: `{task: task}`.
        heads: `{task: head}`.
        sharing: tells which tasks read the same features.
    """
    found: dict[tuple[int, ...], dict[int, str]] = {}
    joined: dict[tuple[int, ...], list[Joined]] = {}
    for task, head in heads.items():
        rows = [row_of(parameter) for parameter in head.parameters()]
        own = [row for row in rows if row is not None]
        whole = len(own) == len(rows) > 0 and len({row.number for row in own}) == 1
        if whole and not OF_THE_LOSS.intersection(vars(tasks[task])):
            key = tuple(id(row.joined) for row in own)
            found.setdefault(key, {})[own[0].number] = task
            joined[key] = [row.joined for row in own]
    blocks = []
    for key, by_row in found.items():
        names = [by_row[number] for number in sorted(by_row)]
        every = all(len(each.parts) == len(names) for each in joined[key])
        if every and sharing.same_features(names):
            members = [tasks[name] for name in names], [heads[name] for name in names]
            blocks.append(Block(*members, joined[key]))
    return Blocks(blocks, heads)


def _columns(targets: Mapping[str, Any], names: Names) -> Tensor | None:
    """Returns labels `[B, n, ...]` of some tasks; None if they are not alike."""
    found = targets.columns(names) if isinstance(targets, LabelTable) else None
    if found is not None:
        return found
    each = [targets.get(name) for name in names]
    tensors = [one for one in each if isinstance(one, Tensor)]
    alike = len(tensors) == len(each) and len({(one.shape, one.device) for one in tensors}) == 1
    return torch.stack(tensors, dim=1) if alike and tensors[0].dim() > 0 else None


def _holder(head: nn.Module) -> nn.Module:
    """Returns the module of a head's first parameter."""
    return next(module for module in head.modules() if module._parameters)
