"""The data of one training step: a part for each source, with the counts of its labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from plait.core.annotations import shown
from plait.core.devices import is_on, move
from plait.core.errors import DataError, suggest, unknown
from plait.core.label_counts import CountsLabels, LabelCounts
from plait.core.label_table import LabelTable
from plait.core.numbers import added
from plait.core.spelling import refuse_misspelt
from plait.core.structure import PerTask, tensors


@dataclass(frozen=True)
class Part:
    """The examples that one source gives to a step.

    Attributes:
        inputs: what the encoder reads: a tensor `[B, ...]`, any nested structure, or `PerTask`.
        targets: `{task: labels}`; only tasks with at least one valid label. Of many tasks in a
            table in memory it is a `LabelTable`, which holds them as one tensor.
        counts: `{task: n}`, the mass of the valid labels (their number, if nothing is weighted).
        weights: `{task: example weights [B], or a mask or weights in the shape of the labels}`;
            without the tasks whose labels are not weighted.
        foreign: names of the labels that belong to no task, for messages.
        source: name of the data set that the examples are of; "" where there is one alone.
    """

    inputs: Any
    targets: Mapping[str, Any]
    counts: Mapping[str, float]
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()
    source: str = ""

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks with a label here, whose predictions a step needs."""
        return tuple(self.targets)

    @property
    def examples(self) -> int:
        """The number of examples, told by the labels; inputs that differ by task count each."""
        if isinstance(self.targets, LabelTable):
            sizes = [self.targets.examples] * len(self.targets)
        else:
            sizes = [_length(next(tensors(labels), labels)) for labels in self.targets.values()]
        return sum(sizes) if isinstance(self.inputs, PerTask) else max(sizes, default=0)


def _length(labels: Any) -> int:
    """Counts the labels; one without an axis, which the task's loss will refuse, is one."""
    return 1 if isinstance(labels, Tensor) and labels.dim() == 0 else len(labels)


@dataclass(frozen=True)
class Batch:
    """The examples of one step, with labels that were counted once, when the batch was made.

    Attributes:
        parts: one for each source that gives examples to the step.
    """

    parts: tuple[Part, ...]

    @classmethod
    def of(
        cls,
        inputs: Any,
        targets: Mapping[str, Any],
        tasks: Iterable[CountsLabels],
        *,
        weights: Mapping[str, Tensor] | None = None,
    ) -> Batch:
        """Makes a batch of one part, with its labels checked and counted.

        Args:
            inputs: what the encoder reads.
            targets: `{task: labels}`. Names that are not among `tasks` are left out (a data set may
                carry more labels than a model predicts), unless they look like that of a task which
                has no labels here; a task without a valid label is absent.
            tasks: the tasks of the model; each counts its own labels. As `LabelCounts`, what they
                have in common is found once for many batches.
            weights: `{task: example weights [B], or a mask or weights in the shape of the labels}`.

        Raises:
            DataError: `targets` is not a mapping, has no label of a task, or a name that looks like
                a misspelt task; labels or weights break their task's rule; there are weights
                without labels.
        """
        if not isinstance(targets, Mapping):
            raise DataError(
                f"targets must be a dict {{task: labels}}; found {type(targets).__name__}. "
                'Wrap a single label tensor as {"task name": labels}.'
            )
        given = {} if weights is None else _named_weights(weights, targets)
        count = tasks if isinstance(tasks, LabelCounts) else LabelCounts(tasks)
        counts = count(targets, given)
        if not counts:
            raise _foreign(targets, [task.name for task in count.tasks])
        if len(counts) < len(count.tasks) and len(counts) < len(targets):
            names = tuple(task.name for task in count.tasks)
            refuse_misspelt(names, tuple(map(str, targets)))
        foreign = tuple(str(name) for name in targets if name not in counts)
        present = {name: count for name, count in counts.items() if count > 0}
        part = Part(
            inputs=inputs,
            targets=_only(targets, present),
            counts=present,
            weights={name: given[name] for name in present if name in given},
            foreign=foreign,
        )
        return cls((part,))

    @property
    def examples(self) -> int:
        """The number of examples, told by the labels that are there; inputs may be any objects.

        Inputs that differ by task count each; a part without a label counts none.
        """
        return sum(part.examples for part in self.parts)

    @property
    def labelled(self) -> Batch:
        """The batch without the parts that have no label; itself if all of them have one."""
        if all(part.counts for part in self.parts):
            return self
        return Batch(tuple(part for part in self.parts if part.counts))

    @property
    def counts(self) -> Mapping[str, float]:
        """`{task: n}` over all parts."""
        if len(self.parts) == 1:
            return self.parts[0].counts
        return added(part.counts for part in self.parts)

    def only(self, tasks: Iterable[str]) -> Batch:
        """Returns the batch without the labels of other tasks; parts without labels are left out.

        Example:
            >>> part = Part(None, {"a": 1, "b": 2}, {"a": 1.0, "b": 1.0})
            >>> Batch((part, Part(None, {"b": 3}, {"b": 1.0}))).only(["a"]).counts
            {'a': 1.0}
        """
        wanted = set(tasks)
        parts = [
            replace(
                part,
                targets=_only(part.targets, [name for name in part.targets if name in wanted]),
                counts={name: each for name, each in part.counts.items() if name in wanted},
                weights={name: each for name, each in part.weights.items() if name in wanted},
            )
            for part in self.parts
        ]
        return Batch(tuple(part for part in parts if part.counts))

    def to(self, device: torch.device | str) -> Batch:
        """Returns the batch on `device`; counts stay numbers of the host.

        Inputs that are neither tensors nor dicts, lists or tuples of them, such as a batch of
        graphs, are moved by their own `to(device)`; without one they stay as they are.
        """

        wanted = torch.device(device)

        def moved(part: Part) -> Part:
            targets = part.targets
            labels = targets.matrices if isinstance(targets, LabelTable) else targets.values()
            tables = (part.inputs, *labels, *part.weights.values())
            if all(isinstance(each, Tensor) and each.device == wanted for each in tables):
                return part
            content = (part.inputs, part.targets, part.weights)
            if all(is_on(wanted, each) for each in content):
                return part
            inputs, targets, weights = (move(wanted, each) for each in content)
            return Part(inputs, targets, part.counts, weights, part.foreign, part.source)

        parts = tuple([moved(part) for part in self.parts])
        same = all(one is other for one, other in zip(parts, self.parts, strict=True))
        return self if same else Batch(parts)


def _only(targets: Mapping[str, Any], names: Collection[str]) -> Mapping[str, Any]:
    """Returns the labels of the named tasks, in that order."""
    if isinstance(targets, LabelTable):
        return targets.only(names)
    return {name: targets[name] for name in names}


def _named_weights(weights: Any, targets: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """Returns weights that are `{task: tensor}` of labels that are there; refuses all else."""
    if not isinstance(weights, Mapping):
        raise DataError(
            f"weights must be a dict {{task: weights [B]}}; found {shown(weights)}. Name them as "
            "the labels are."
        )
    for name, each in weights.items():
        if name not in targets:
            raise DataError(unknown("label of weights", name, map(str, targets)))
        if not isinstance(each, Tensor):
            raise DataError(
                f"weights of task {name!r} must be a tensor; found {shown(each)}. Convert them "
                "with `torch.as_tensor`."
            )
    return weights


def _foreign(targets: Mapping[str, Any], tasks: list[str]) -> DataError:
    keys = ", ".join(map(str, targets)) or "none"
    near = next((found for key in targets if (found := suggest(str(key), tasks))), "")
    return DataError(
        f"no label belongs to a task of the model; found {keys}; tasks: {', '.join(tasks)}.{near}"
    )
