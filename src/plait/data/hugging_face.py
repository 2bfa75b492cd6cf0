"""Data sets of Hugging Face `datasets` as tables: class numbers become the names of the classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.errors import DataError
from plait.core.extras import need
from plait.data.cell_files import ENDINGS, CellFiles, name_of
from plait.data.files import Store
from plait.data.table.fit import require
from plait.data.table.splits import WORDS

if TYPE_CHECKING:
    import pandas as pd

SPLIT = "split"  # the column that names the split of a row, of data sets that come in splits
GROUP = 8_192  # rows that are read together


def is_hugging_face(data: Any) -> bool:
    """Whether something is a data set of `datasets`, or a dict of its splits."""
    return type(data).__module__.partition(".")[0] == "datasets"


def store_of(data: Any) -> Store:
    """Returns the files that the cells of a table in memory name.

    Those of a data set of Hugging Face are in its cells; those of a frame in the present folder.
    """
    return HuggingFaceRows(data).store if is_hugging_face(data) else Store(Path.cwd())


class HuggingFaceRows:
    """The rows of a data set of `datasets`, read a few thousand at a time.

    A column of class numbers (`ClassLabel`), or of lists of them, has the names of the classes in
    their place; -1 is a missing one. Of a dict of splits the rows follow each other, and a column
    `split` names each row's. Pictures and sounds (`Image`, `Audio`) are named by files of `store`.

    Args:
        data: a `Dataset`, or a `DatasetDict` with splits named train, validation and test.

    Raises:
        DataError: another data set, such as one without a length; a split of another name, splits
            of different columns, or no row.
    """

    def __init__(self, data: Any) -> None:
        parts = dict(data) if isinstance(data, Mapping) else {"": data}
        self._splits = isinstance(data, Mapping)
        for name, part in parts.items():
            if not hasattr(part, "select_columns") or not hasattr(part, "__len__"):
                raise DataError(
                    f"a table must be a data set of known length; found {type(part).__name__}. "
                    "Take rows of it that fit into memory, or encode them while they are read: "
                    "`plait.data.streams.RowStream`."
                )
            if self._splits and name.lower() not in WORDS:
                raise DataError(
                    f"the splits of a data set must be train, validation and test; found {name!r}. "
                    f"Leave it out: `del data[{name!r}]`."
                )
        first = next(iter(parts.values()), None)
        if first is None or not sum(map(len, parts.values())):
            raise DataError("the data set is empty: there is no row of data in it.")
        for name, part in parts.items():
            if part.column_names != first.column_names:
                raise DataError(
                    f"all splits must have the same columns; {name!r} has "
                    f"{', '.join(part.column_names)}, and others have "
                    f"{', '.join(first.column_names)}."
                )
        if self._splits and SPLIT in first.column_names:
            raise DataError(
                f"the data set has a column {SPLIT!r} beside its splits. Rename it: "
                f"`data.rename_column({SPLIT!r}, NAME)`."
            )
        self._features = dict(first.features)
        self._parts = {name: part for name, part in parts.items() if len(part)}

    @property
    def name(self) -> str:
        """The name of the data set, for messages."""
        info = next(iter(self._parts.values())).info
        return str(info.dataset_name or "the data set")

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [*self._features, *([SPLIT] if self._splits else [])]

    @property
    def bytes_per_row(self) -> float:
        """The bytes of a row in memory, about."""
        tables = [part.data for part in self._parts.values()]
        size = sum(table.nbytes for table in tables) / sum(table.num_rows for table in tables)
        return max(float(size), 8.0 * len(self.columns))

    @cached_property
    def _groups(self) -> list[tuple[str, int, int]]:
        """The split, the first row and the end of each group."""
        return [
            (name, start, min(start + GROUP, len(part)))
            for name, part in self._parts.items()
            for start in range(0, len(part), GROUP)
        ]

    @property
    def sizes(self) -> list[int]:
        """The number of rows of each group."""
        return [end - start for _, start, end in self._groups]

    def place(self, group: int) -> str:
        """Returns the name of the split of a group, for messages."""
        split = self._groups[group][0]
        return f"split {split!r} of {self.name}" if split else self.name

    def frames(self, group: int, columns: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
        """Yields some columns of a group in frames of so many rows; the last may have fewer."""
        pd = need("pandas", extra="app", purpose="Reading tables")
        require(pd.DataFrame(columns=self.columns), columns, self.name)
        split, first, end = self._groups[group]
        stored = [name for name in columns if name in self._features]
        media = [name for name in stored if type(self._features[name]).__name__ in ENDINGS]
        part = self._parts[split].select_columns(stored).with_format("arrow")
        for start in range(first, end, rows):
            frame = pd.DataFrame(index=pd.RangeIndex(start, min(start + rows, end)))
            if stored:
                found = part[start : start + len(frame)]
                cells = found.drop_columns(media).to_pandas(ignore_metadata=True)
                frame = named(cells.set_axis(frame.index, axis=0), self._features)
                for name in media:  # the names alone: their content may be larger than memory
                    frame[name] = self._file_names(name, split, start, found[name])
            if self._splits and SPLIT in columns:
                frame = frame.assign(**{SPLIT: split})
            yield frame[list(columns)]

    @property
    def store(self) -> Store:
        """The pictures and sounds in the cells of the data set."""
        return CellFiles(self._parts).store()

    def _file_names(self, column: str, split: str, start: int, cells: Any) -> list[str | None]:
        """Returns the names that stand for the pictures or sounds of a column; None for no cell."""
        feature = self._features[column]
        return [
            None if missing else name_of(row, split, column, feature)
            for row, missing in enumerate(cells.is_null().to_pylist(), start)
        ]

    def frame(self) -> pd.DataFrame:
        """Reads all rows into memory; they are numbered over all splits."""
        frames = need("pandas", extra="app", purpose="Reading tables")
        groups = range(len(self.sizes))
        parts = [each for group in groups for each in self.frames(group, self.columns, GROUP)]
        found: pd.DataFrame = frames.concat(parts, ignore_index=True)
        return found


def named(frame: pd.DataFrame, features: Mapping[str, Any]) -> pd.DataFrame:
    """Returns rows with the names of classes in place of their numbers.

    Args:
        frame: the rows.
        features: `{column: feature of datasets}`; other columns are left as they are.
    """
    changed = {}
    for name in frame.columns:
        convert = _converter(features.get(name))
        if convert is not None:
            changed[name] = convert(frame[name])
    return frame.assign(**changed) if changed else frame


def _converter(feature: Any) -> Callable[[Any], Any] | None:
    """Returns a function that puts names into the cells of a column; None if it has no classes."""
    inner: Any = getattr(feature, "feature", None)
    own = type(feature).__name__ == "ClassLabel"
    if not own and type(inner).__name__ != "ClassLabel":
        return None
    listed: Sequence[Any] = [*(feature if own else inner).names, None]  # the last is that of -1
    names: np.ndarray[Any, Any] = np.array(listed, dtype=object)
    if own:
        return lambda column: names[column.fillna(-1).to_numpy(dtype=np.int64)]
    return lambda column: column.map(
        lambda cell: None if cell is None else names[np.asarray(cell, dtype=np.int64)].tolist()
    )
