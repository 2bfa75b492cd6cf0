"""A sample of a table that is to be streamed, and the classes in all of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.errors import DataError
from plait.core.spaced import spaced
from plait.data.streams.row_groups import RowGroups
from plait.data.streams.row_splits import RowSplits
from plait.data.table.described import Target

if TYPE_CHECKING:
    import pandas as pd

ROWS = 200_000  # of a sample
BYTES = 2**28  # that they take, at most
GROUPS = 64  # that a sample is taken from
FEW = 16  # groups; of fewer, rows come from all of each, else from the beginning of each
MOST_CLASSES = 100_000


def sample(
    source: RowGroups, columns: Sequence[str], rule: RowSplits | None, *, rows: int, at_once: int
) -> pd.DataFrame:
    """Reads about so many rows, from at most 64 groups that are evenly spaced.

    Where there are at least 16 groups, rows come from the beginning of each, else from all of it.

    Args:
        source: the table.
        columns: those that are wanted.
        rule: training rows alone are taken; rows of all splits if None.
        rows: how many are wanted, at least 1; all of them if there are no more.
        at_once: rows that are read together.

    Returns:
        A frame; its index is the number of each row in the table, from 0.
    """
    import pandas as pd

    groups = len(source.sizes)
    chosen = spaced(groups, GROUPS)
    starts = np.cumsum([0, *source.sizes])
    reads = list(dict.fromkeys([*columns, *(rule.reads if rule else ())]))
    share, found = -(-rows // len(chosen)), []
    for group in chosen:
        lacking, before, size = share, int(starts[group]), source.sizes[group]
        for frame in source.frames(group, reads, at_once):
            frame.index = pd.RangeIndex(before, before + len(frame))
            before += len(frame)
            places = np.arange(len(frame))
            if rule is not None:
                places = np.flatnonzero(rule.of(frame, frame.index.to_numpy()) == 0)
            most = lacking if groups >= FEW else -(-share * len(frame) // size)
            most = min(most, lacking)
            if len(places) > most:
                places = places[np.arange(most) * len(places) // most]
            found.append(frame.iloc[places][list(columns)])
            lacking -= len(places)
            if lacking <= 0:
                break
    return pd.concat(found)


def classes_in(
    source: RowGroups, targets: Sequence[Target], *, at_once: int
) -> dict[str, list[str]]:
    """Returns `{task: names of its classes or labels}`, as `classes_of` does for a whole table.

    Each column whose classes have to be found is read through once, alone.

    Args:
        source: the table.
        targets: the targets.
        at_once: rows that are read together.

    Raises:
        DataError: a target has more than 100,000 classes.
    """
    import pandas as pd

    from plait.data.table.placed import in_order
    from plait.data.table.targets import classes_of, stated

    found = {}
    for target in targets:
        several = target.kind == "tags" and len(target.columns) > 1
        named = target.kind in ("category", "yes/no", "tags", "token tags") and not several
        words: dict[str, None] = {}
        for each in _words(source, target, at_once) if named else ():
            words |= dict.fromkeys(each)
            if len(words) > MOST_CLASSES:
                raise DataError(
                    f"column {target.columns[0]!r} of {source.name} has more than "
                    f"{MOST_CLASSES:,} different values, too many for task {target.name!r}. "
                    "Predict it as a number, or leave it out."
                )
        if target.kind == "token tags":
            found[target.name] = stated(target, words, source.name) or in_order(words)
            continue
        frame = pd.DataFrame({target.columns[0]: list(words)}, dtype=object)
        found[target.name] = classes_of(frame, target, source=source.name)
    return found


def _words(source: RowGroups, target: Target, at_once: int) -> Iterator[Any]:
    """Yields the words in the column of a target, piece by piece."""
    from plait.data.table import parse
    from plait.data.table.placed import tags_in

    name = target.columns[0]
    for group in range(len(source.sizes)):
        for frame in source.frames(group, [name], at_once):
            if target.kind == "tags":
                yield parse.known_tags(frame[name], target.separator or ";", target.missing)
            elif target.kind == "token tags":
                yield tags_in(frame[name], target, source=source.place(group))
            else:
                yield parse.words(frame[name], target.missing, source=source.place(group))[1]
