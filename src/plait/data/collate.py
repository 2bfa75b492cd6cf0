"""From examples to a batch with counted labels: for plait's loader, and for a stranger's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils.data import default_collate

from plait.core.batch import Batch
from plait.core.errors import DataError, PlaitError
from plait.core.label_counts import CountsLabels
from plait.core.structure import PerTask, leaves
from plait.data.disjoint import join
from plait.data.in_memory import Rows
from plait.data.padding import is_masked, padded, padded_labels


class Collation:
    """Makes a `Batch` of examples: stacks them, and checks and counts the labels of the tasks.

    It is the `collate_fn` of a loader; with workers, each of them counts its own batches.

    Args:
        tasks: the tasks of the model; labels of others are left out.

    Example:
        >>> import torch
        >>> from plait.tasks import Regression
        >>> collation = Collation([Regression("size")])
        >>> examples = [(torch.zeros(3), {"size": torch.tensor([value])}) for value in (1.0, 2.0)]
        >>> collation(examples).counts
        {'size': 2.0}
    """

    def __init__(self, tasks: Iterable[CountsLabels]) -> None:
        self.tasks = tuple(tasks)
        self.missing = {t.name: float(getattr(t, "missing", math.nan)) for t in self.tasks}

    def __call__(self, examples: Sequence[tuple[Any, Mapping[str, Any]]]) -> Batch:
        """Makes the batch of some examples ``(inputs, {task: label})``; one without parts of none.

        Raises:
            DataError: the examples have different label names, none of them is a task, or a label
                breaks its task's rule.
        """
        if not len(examples):
            return Batch(())
        return Batch.of(*collate(examples, missing=self.missing), self.tasks)


def collate(
    examples: Sequence[tuple[Any, Mapping[str, Any]]], *, missing: Mapping[str, float] | None = None
) -> tuple[Any, dict[str, Any]]:
    """Stacks examples ``(inputs, {task: label})`` to a pair of inputs and `{task: labels}`.

    All of them must have the same tasks; a label that is missing for an example is the task's
    missing value (NaN or its ignore index). Examples whose inputs are `PerTask` hold tables, as
    those of `Disjoint`; these are joined by task. Inputs, or entries of them, that are
    ``Masked(values [n, ...], mask [n])`` are sequences: they are padded to the longest of the
    batch, values with 0 and the mask with False, and so are labels for each of their positions.

    Args:
        examples: at least one.
        missing: `{task: label}` with which labels of sequences are padded; by default -100 for
            whole numbers and NaN for others.

    Raises:
        DataError: an example is no such pair, the examples have different label names, or they
            cannot be stacked.
    """
    if isinstance(examples, Rows):
        return examples.inputs, examples.targets
    for each in examples:
        _check_pair(each)
    first, targets = examples[0]
    tasks = targets.keys()
    for _, other in examples:
        if other.keys() != tasks:
            raise DataError(
                f"all examples must have the same label names; found {sorted(tasks)} and "
                f"{sorted(other)}. Give a missing label as NaN or the task's ignore_index."
            )
    if isinstance(first, PerTask):
        tables = PerTask({task: join([each[0][task] for each in examples]) for task in tasks})
        return tables, {task: join([each[1][task] for each in examples]) for task in tasks}
    labels = {task: [each[1][task] for each in examples] for task in tasks}
    if next(leaves(first, is_masked), None) is not None:
        labels = {
            task: padded_labels(each, (missing or {}).get(task)) for task, each in labels.items()
        }
    inputs = _stacked([each[0] for each in examples], "the inputs")
    return inputs, {task: _stacked(each, f"the labels {task!r}") for task, each in labels.items()}


def _check_pair(example: Any) -> None:
    pair = isinstance(example, list | tuple) and len(example) == 2
    if not pair or not isinstance(example[1], Mapping):
        found = type(example).__name__
        if isinstance(example, list | tuple):
            found = f"({', '.join(type(each).__name__ for each in example)})"
        raise DataError(
            f"an example of the data set must be (inputs, {{task: label}}); found {found}. Return "
            'such a pair, with a single label as {"task name": label}.'
        )


def _stacked(values: list[Any], what: str) -> Any:
    first = values[0]
    if is_masked(first):
        return padded(values)
    if isinstance(first, Mapping) and next(leaves(first, is_masked), None) is not None:
        return {key: _stacked([each[key] for each in values], what) for key in first}
    try:
        return default_collate(values)
    except (TypeError, RuntimeError, ValueError) as error:
        kinds = ", ".join(dict.fromkeys(_kind(value) for value in values))
        raise DataError(
            f"{what} of several examples must stack to one batch; found {kinds}. Give them one "
            "shape, or make the batches yourself: a `DataLoader` of torch with a `collate_fn` that "
            "returns (inputs, {task: labels})."
        ) from error


def _kind(value: Any) -> str:
    return str(list(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def as_batch(item: Any, tasks: Iterable[CountsLabels]) -> Batch:
    """Makes a `Batch` of what any loader yields.

    Args:
        item: a `Batch`, which is returned as it is; or ``(inputs, {task: labels})``; or with a
            third entry ``{task: weights}``.
        tasks: the tasks of the model; each counts its own labels.

    Raises:
        DataError: it is none of these, no label belongs to a task, or labels break their task's
            rule.
    """
    if isinstance(item, Batch):
        return item
    if isinstance(item, list | tuple) and len(item) in (2, 3):
        inputs, targets, *weights = item
        return Batch.of(inputs, targets, tasks, weights=weights[0] if weights else None)
    raise DataError(
        "a loader must yield (inputs, {task: labels}), or with a third entry {task: weights}; "
        f"found {type(item).__name__}. Set the loader's `collate_fn`."
    )


def batches_of(items: Iterable[Any], tasks: Iterable[CountsLabels]) -> Iterator[Batch]:
    """Makes a `Batch` of each thing that any loader yields; see `as_batch`.

    Args:
        items: a loader, or what it yields.
        tasks: the tasks of the model.

    Raises:
        DataError: as `as_batch`. One that was raised in a worker has the message that it had there,
            and torch's account of the worker as its cause.
    """
    tasks = tuple(tasks)
    try:
        for item in items:
            yield as_batch(item, tasks)
    except PlaitError as error:
        cls = type(error)
        _, raised, message = str(error).rpartition(f"\n{cls.__module__}.{cls.__qualname__}: ")
        if not raised:  # no worker's
            raise
        raise cls(message.strip()) from error
