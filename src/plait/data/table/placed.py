"""Labels that lie on a picture or a sentence of their row: masks, maps and tags of tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from plait.core.errors import ConfigError, DataError, suggest, unknown
from plait.data.examples import Reader
from plait.data.files import Store
from plait.data.readers.images import Images
from plait.data.readers.maps import Maps, numbers_in
from plait.data.readers.masks import Masks, values_in
from plait.data.readers.tags import Tags
from plait.data.readers.texts import Texts
from plait.data.table.described import PLACED, Target, read_target
from plait.data.table.inputs import files_of
from plait.data.table.parse import row_of
from plait.data.table.sentences import sentences
from plait.data.table.targets import stated

NO_CLASS = -100
ALIGNED = {  # what helps where tags and tokens are not as many
    "tokens": "Correct the row, or empty its tags (not labelled).",
    "text": "Text is divided into words and signs; if its words are divided by spaces, its kind is "
    "tokens.",
}


def placed_classes(
    frame: pd.DataFrame, target: Target, store: Store, *, source: str = ""
) -> list[str]:
    """Returns the names of the classes of a mask or of tags; empty for a map.

    Those of a mask that its description does not name are the values that are found in up to 200
    files. Tags are sorted, "O" (no entity) first.

    Args:
        frame: the table.
        target: of a kind in `PLACED`.
        store: the files that cells name.
        source: the table, for messages.
    """
    cells = frame[target.columns[0]]
    if target.kind == "mask":
        if target.values:
            return list(target.values.values())
        files = files_of(cells, store, target.missing, source=source)
        ignored = set(target.ignore)
        return [str(value) for value in values_in(files, range(len(files))) if value not in ignored]
    if target.kind == "token tags":
        tags = in_order(tags_in(cells, target, source=source))
        return stated(target, tags, source) or tags
    return []


def tags_in(cells: pd.Series[Any], target: Target, *, source: str = "") -> set[str]:
    """Returns the tags in a column of tags of tokens, without those that mean a missing one."""
    found = {tag for row in _tags_of(cells, target, source) for tag in row}
    return found - {"", *target.missing}


def in_order(tags: Iterable[str]) -> list[str]:
    """Returns tags in the order of their classes: "O" (no entity) first, others sorted."""
    return sorted(tags, key=lambda tag: (tag != "O", tag))


def placed_labels(
    frame: pd.DataFrame,
    target: Target,
    classes: Sequence[str],
    inputs: Mapping[str, Reader],
    store: Store,
    *,
    source: str = "",
    keep: Iterable[int] = (),
) -> Reader:
    """Returns the labels of a target that lies on an input, as a reader of all rows.

    Args:
        frame: a table with the target's column.
        target: of a kind in `PLACED`.
        classes: the names of its classes, as `placed_classes` gave them for the training.
        inputs: `{column: reader}` of the table's inputs.
        store: the files that cells name.
        source: the table, for messages.
        keep: rows whose decoded masks are kept in memory; none by default.

    Raises:
        ConfigError: there is no input on which the labels could lie, or several; or a tokenizer
            reads it.
        DataError: a path leads to no file, or a row has not as many tags as tokens.
    """
    place = place_of(target, inputs)
    cells = frame[target.columns[0]]
    if isinstance(place, Texts):
        return _tags(cells, target, classes, place, source)
    assert isinstance(place, Images)
    files = files_of(cells, store, target.missing, source=source)
    if target.kind == "map":
        outputs = int(target.options.get("outputs") or _outputs(files))
        missing = [float(word) for word in target.missing]
        return Maps(files, place.size, outputs, missing=missing)
    values = list(target.values) or [int(name) for name in classes]
    return Masks(
        files,
        place.size,
        values,
        ignore=target.ignore,
        pictures=place,
        keep=keep,
    )


def place_of(target: Target, inputs: Mapping[str, Reader]) -> Images | Texts:
    """Returns the input that the labels of a target lie on.

    Raises:
        ConfigError: there is none, or several of which none is named.
    """
    wanted, noun = (Texts, "text or tokens") if target.kind == "token tags" else (Images, "image")
    fitting = {name: each for name, each in inputs.items() if isinstance(each, wanted)}
    if target.of and target.of not in fitting:
        raise ConfigError(
            f"tasks.{target.name}.of: {unknown(f'input of kind {noun}', target.of, fitting)}"
        )
    if not target.of and len(fitting) != 1:
        raise ConfigError(
            f"task {target.name!r} is a {target.kind}, which lies on an input of kind {noun}; "
            f"found {', '.join(fitting) or 'none'}. "
            f"{'Name one with `of`' if fitting else 'Name that column under `inputs`'}."
        )
    return fitting[target.of or next(iter(fitting))]


def is_placed(target: Target) -> bool:
    """Whether the labels of a target lie on an input."""
    return target.kind in PLACED


def presence(frame: pd.DataFrame, target: Target) -> Tensor:
    """Tells which rows have a label: int64 `[N]`, 0 where there is one and -100 where not.

    Args:
        frame: a table with the target's column.
        target: of a kind in `PLACED`.
    """
    cells = frame[target.columns[0]]
    empty = {*target.missing, ""}
    there = [
        len(cell) > 0 if isinstance(cell, list | tuple | np.ndarray) else str(cell) not in empty
        for cell in cells.astype(object).where(cells.notna(), "")
    ]
    return torch.tensor([0 if each else NO_CLASS for each in there])


def _outputs(files: Any) -> int:
    """Returns the numbers for each pixel of the first map that is there; 1 if none is."""
    row = next((row for row, name in enumerate(files.names) if name), None)
    return 1 if row is None else len(numbers_in(files, row))


def _tags_of(cells: pd.Series[Any], target: Target, source: str) -> list[list[str]]:
    form = target.separator or " "
    return sentences(cells, "tokens", form, target.missing, source=source)


def _tags(
    cells: pd.Series[Any], target: Target, classes: Sequence[str], texts: Texts, source: str
) -> Tags:
    """Returns the tags of all rows as class numbers, as many as their sentences have words."""
    if texts.column.tokenizer:
        raise ConfigError(
            f"task {target.name!r} has a tag for each word, and the tokenizer of input "
            f"{texts.column.name!r} reads texts whole. Leave out its `tokenizer`."
        )
    known = {word: number for number, word in enumerate(classes)}
    known |= dict.fromkeys(["", *target.missing], NO_CLASS)
    rows = []
    for place, tags in enumerate(_tags_of(cells, target, source)):
        words, length = texts.sentences[place], int(texts.lengths[place])
        if tags and len(tags) != len(words):
            raise DataError(
                f"row {row_of(cells, place)}, column {cells.name!r}"
                f"{f' of {source}' if source else ''}: task {target.name!r} must have a tag for "
                f"each token; found {len(tags)} tags for {len(words)} tokens. "
                f"{ALIGNED[texts.column.kind]}"
            )
        foreign = next((tag for tag in tags if tag not in known), None)
        if foreign is not None:
            raise DataError(
                f"row {row_of(cells, place)}, column {cells.name!r}"
                f"{f' of {source}' if source else ''} has the tag {foreign!r}, which the training "
                f"of task {target.name!r} did not have; known: {', '.join(classes[:20])}."
                f"{suggest(foreign, classes)} Correct it, or write it as missing."
            )
        found = [known[tag] for tag in tags[:length]]
        rows.append(found or [NO_CLASS] * length)
    return Tags(rows)


def counts_in(
    frame: pd.DataFrame, name: str, kind: str, options: Mapping[str, Any], store: Store
) -> list[int]:
    """Counts the labels of each class in a column of masks or tags, of which no task is made yet.

    Args:
        frame: the table.
        name: of the column.
        kind: "mask" or "token tags".
        options: as a configuration describes the target.
        store: the files that its cells name.
    """
    target = read_target(name, {"kind": kind, **options}, [str(each) for each in frame])
    if kind == "mask":
        counts = values_in(files_of(frame[name], store), range(len(frame)))
        return [counts.get(value, 0) for value in target.values]
    tags = Counter(tag for row in _tags_of(frame[name], target, "") for tag in row)
    return [tags[tag] for tag in placed_classes(frame, target, store)]


def label_counts(labels: Any, rows: Sequence[int], classes: int) -> list[int]:
    """Counts the labels of each class in some rows of masks or tags.

    The pixels of masks are those of up to 200 files, evenly spread.
    """
    if isinstance(labels, Masks):
        found = values_in(labels.files, rows)
        return [found.get(value, 0) for value in labels.values]
    chosen = np.asarray(rows)
    numbers = [labels[int(row)] for row in chosen]
    joined = torch.cat(numbers) if numbers else torch.zeros(0, dtype=torch.int64)
    return torch.bincount(joined[joined >= 0], minlength=classes).tolist()
