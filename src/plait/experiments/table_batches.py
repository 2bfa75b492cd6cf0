"""Rows of tables in batches, as the model of a run reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor

from plait.core.columns import ROW, UNSEEN, Column, inputs_of
from plait.core.structure import Masked
from plait.data import Examples, collate
from plait.data.readers import Images, Texts

if TYPE_CHECKING:
    import pandas as pd

    from plait.data.examples import Reader
    from plait.data.files import Store
    from plait.data.table.described import Target
    from plait.tasks import BaseTask

ROWS = 4_096  # of a batch of a table's numbers and categories
MEDIA_ROWS = 32  # of pictures, sounds and sentences


class TableBatch(NamedTuple):
    """Some rows of a table.

    Attributes:
        rows: their numbers, from 0.
        inputs: what the model reads.
        targets: `{task: labels}`; empty where none were asked for.
        sizes: width and height of the picture that a row's labels lie on, as it is in its file;
            empty where they lie on none.
        words: of the sentence that a row's labels lie on, their number; empty where they lie on
            none.
    """

    rows: range
    inputs: Any
    targets: dict[str, Any]
    sizes: Sequence[tuple[int, int]] = ()
    words: Sequence[int] = ()


def table_batches(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    store: Store,
    *,
    source: str,
    place: str | None = None,
    targets: Sequence[Target] = (),
    tasks: Mapping[str, BaseTask] | None = None,
) -> Iterator[TableBatch]:
    """Yields the rows of a table in batches.

    Args:
        frame: the table.
        columns: of inputs.
        store: the files that cells name.
        source: the table, for messages.
        place: the input that labels lie on; the first picture or sentence by default.
        targets: those whose labels are wanted.
        tasks: `{task: task}` of them.

    Raises:
        DataError: a column is missing, or a cell is not of its kind.
    """
    from plait.data.table.inputs import readers_of

    readers = readers_of(frame, columns, store, source=source)
    labels = _labels(frame, readers, store, source, targets, tasks or {})
    row = readers.get(ROW)
    if len(readers) == 1 and isinstance(row, Tensor):
        size = ROWS if labels else len(frame)  # the model cuts what it predicts itself
        for start in range(0, len(frame), size):
            part = slice(start, start + size)
            own = {task: cast(Tensor, each)[part] for task, each in labels.items()}
            yield TableBatch(range(len(frame))[part], row[part], own)
        return
    places = [each for each in readers.values() if isinstance(each, Images | Texts)]
    lies_on = readers[place] if place is not None else next(iter(places), None)
    examples = Examples(readers, labels)
    missing = {name: float(task.missing) for name, task in (tasks or {}).items()}
    for start in range(0, len(frame), MEDIA_ROWS):
        numbers = range(start, min(start + MEDIA_ROWS, len(frame)))
        inputs, found = collate([examples[row] for row in numbers], missing=missing)
        sizes = [lies_on.own_size(row) for row in numbers] if isinstance(lies_on, Images) else []
        words = [lies_on.words(row) for row in numbers] if isinstance(lies_on, Texts) else []
        yield TableBatch(numbers, inputs, found, sizes, words)


def unseen_words(inputs: Any, columns: Sequence[Column]) -> dict[str, tuple[int, int]]:
    """Counts, for each column of words, the words that the training had once or never, and all.

    Args:
        inputs: a batch, as `table_batches` gives it.
        columns: of inputs.
    """
    found: dict[str, tuple[int, int]] = {}
    grouped = inputs_of(columns)
    for name, own in grouped.items():
        value = inputs if len(grouped) == 1 else inputs[name]
        if isinstance(value, Masked):
            if own[0].kind in ("text", "tokens") and not own[0].tokenizer:
                codes = value.values[..., 0][value.mask]
                found[own[0].name] = int((codes == UNSEEN).sum()), codes.numel()
            continue
        place = 0
        for column in own:
            if column.kind == "category":
                count = int(torch.count_nonzero(value[:, place] == UNSEEN))
                found[column.name] = count, len(value)
            place += column.entries
    return found


def _labels(
    frame: pd.DataFrame,
    readers: Mapping[str, Reader],
    store: Store,
    source: str,
    targets: Sequence[Target],
    tasks: Mapping[str, BaseTask],
) -> dict[str, Reader]:
    """Returns `{task: its labels of all rows}`."""
    from plait.data.table.placed import is_placed, placed_labels
    from plait.data.table.targets import labels_of

    found: dict[str, Reader] = {}
    for target in targets:
        classes = tasks[target.name].names or ()
        if is_placed(target):
            found[target.name] = placed_labels(
                frame, target, classes, readers, store, source=source
            )
        else:
            found[target.name] = labels_of(frame, target, classes, source=source)
    return found
