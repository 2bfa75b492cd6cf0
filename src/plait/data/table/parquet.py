"""Parquet files, one or a folder of them, read by row groups: they may be larger than memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.core.errors import DataError
from plait.core.extras import need
from plait.data.table.counted import Progress
from plait.data.table.names import check_names

if TYPE_CHECKING:
    import pandas as pd

ENDING = ".parquet"
BLOCK = 2**20  # bytes that are read of a column at once, in place of all of a row group's
_INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name


@dataclass(frozen=True)
class Group:
    """A row group of a file.

    Attributes:
        file: its number among the files.
        number: its number in the file.
        start: the number of its first row in the file, from 0.
        rows: how many it has.
    """

    file: int
    number: int
    start: int
    rows: int


class ParquetFiles:
    """The row groups of a Parquet file, or of all files in a folder, with one set of columns.

    Only the ends of the files are read at first, which say what is where. Files of a folder, and of
    folders in it, are in the order of their paths; hidden ones, and those that begin with an
    underscore, are passed over.

    Args:
        path: the file, or the folder.

    Attributes:
        path: the file, or the folder.
        columns: the names of the columns.
        groups: the row groups, in their order.
        bytes_per_row: of all columns, unpacked.

    Raises:
        DataError: there is no such file, no Parquet file in the folder, or no row; a file is
            damaged, or has other columns than the first one.
        MissingExtraError: pyarrow is not installed.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        parquet = need("pyarrow.parquet", extra="parquet", purpose="Reading Parquet files")
        self._read_file: Callable[..., Any] = parquet.ParquetFile
        self._files = _files(self.path)
        self.groups: list[Group] = []
        self._ends = []
        kinds: dict[str, str] = {}
        size = 0
        for file, place in enumerate(self._files):
            with _reporting(place), self._opened(place) as opened:
                end, schema = opened.metadata, opened.schema_arrow
            found = {name: _family(schema.field(k).type) for k, name in enumerate(schema.names)}
            check_names(schema.names, str(place))
            kinds = _agreed(kinds, found, self._files[0], place) if kinds else found
            start = 0
            for number in range(end.num_row_groups):
                group = end.row_group(number)
                size += group.total_byte_size
                if group.num_rows:
                    self.groups.append(Group(file, number, start, group.num_rows))
                start += group.num_rows
            self._ends.append(end)
        self.columns = [name for name in kinds if not _INDEX.fullmatch(name)]
        if not self.groups:
            raise DataError(f"the table {self.path} is empty: there is no row of data in it.")
        self.bytes_per_row = max(size / self.rows, 8.0 * len(self.columns))

    @property
    def name(self) -> str:
        """The name of the file or folder, for messages."""
        return self.path.name

    @property
    def rows(self) -> int:
        """The number of rows of all files."""
        return sum(group.rows for group in self.groups)

    @property
    def sizes(self) -> list[int]:
        """The number of rows of each row group."""
        return [group.rows for group in self.groups]

    def place(self, group: int) -> str:
        """Returns the file of a row group, for messages.

        Args:
            group: its number among all.
        """
        return str(self._files[self.groups[group].file])

    def frames(self, group: int, columns: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
        """Yields the rows of a row group in their order, as frames of so many; the last has fewer.

        Rows are numbered as in their file.

        Args:
            group: its number among all.
            columns: those that are read.
            rows: of a frame, at least 1.

        Raises:
            DataError: the file is damaged, or lacks a column.
        """
        pa = need("pyarrow", extra="parquet", purpose="Reading Parquet files")
        from plait.data.table.fit import require

        pd = need("pandas", extra="app", purpose="Reading tables")
        own = self.groups[group]
        place = self._files[own.file]
        require(pd.DataFrame(columns=self.columns), columns, str(place))
        before = own.start
        with _reporting(place), self._opened(place, own.file) as opened:
            read = opened.iter_batches(rows, row_groups=[own.number], columns=list(columns))
            for batches in _gathered(read, rows):
                table = pa.Table.from_batches(batches)
                frame = table.to_pandas(ignore_metadata=True)[list(columns)]
                frame.index = pd.RangeIndex(before, before + len(frame))
                before += len(frame)
                yield frame

    def _opened(self, place: Path, file: int | None = None) -> Any:
        end = None if file is None else self._ends[file]
        return self._read_file(place, metadata=end, buffer_size=BLOCK, pre_buffer=False)


def is_parquet(path: Path) -> bool:
    """Whether a path is a Parquet file by its name, or a folder that has one.

    Example:
        >>> is_parquet(Path("wine.parquet")), is_parquet(Path("wine.csv"))
        (True, False)
    """
    return path.suffix.lower() == ENDING or (path.is_dir() and any(_in_folder(path)))


def read_folder(
    path: Path, rows: int = 2**20, *, progress: Progress | None = None
) -> Iterator[pd.DataFrame]:
    """Reads the Parquet files of a folder in frames, with rows numbered over all of them.

    Args:
        path: the folder.
        rows: of a frame, at most.
        progress: is told how many bytes there were so far, and in all, unpacked.

    Raises:
        DataError: as `ParquetFiles`.
    """
    pd = need("pandas", extra="app", purpose="Reading tables")
    files = ParquetFiles(path)
    before, size = 0, int(files.rows * files.bytes_per_row)
    for group in range(len(files.groups)):
        for frame in files.frames(group, files.columns, rows):
            yield frame.set_axis(pd.RangeIndex(before, before + len(frame)), axis=0)
            before += len(frame)
            if progress is not None:
                progress(int(before * files.bytes_per_row), size)


def whole_folder(path: Path, *, progress: Progress | None = None) -> pd.DataFrame:
    """Reads the Parquet files of a folder as one frame; see `read_folder`."""
    frames = need("pandas", extra="app", purpose="Reading tables")
    whole: pd.DataFrame = frames.concat(list(read_folder(path, progress=progress)))
    return whole


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(_in_folder(path))
        if not found:
            raise DataError(
                f"the table {path} is a folder without a Parquet file: none ends in {ENDING}. Name "
                "a file, such as table.csv, or the folder that they are in."
            )
        return found
    if not path.is_file():
        raise DataError(f"the table {path} is not there. Name a Parquet file, or a folder of them.")
    return [path]


def _in_folder(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part[0] in "._" for part in path.relative_to(folder).parts)
        if not hidden and path.suffix.lower() == ENDING and path.is_file():
            yield path


def _family(kind: Any) -> str:
    """Returns the kind of a column's cells, on which the files of a folder have to agree."""
    types = need("pyarrow", extra="parquet", purpose="Reading Parquet files").types
    if types.is_dictionary(kind):
        return _family(kind.value_type)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "numbers"  # whole ones with gaps are written as others
    if types.is_string(kind) or types.is_large_string(kind):
        return "words"
    if types.is_date(kind) or types.is_timestamp(kind):
        return "dates"
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return f"lists of {_family(kind.value_type)}"
    return str(kind)


def _agreed(
    known: dict[str, str], found: dict[str, str], first: Path, place: Path
) -> dict[str, str]:
    """Returns the kinds of the columns of two files; a column without any value fits any kind."""
    for name in known.keys() ^ found.keys():
        has, lacks = (first, place) if name in known else (place, first)
        raise DataError(
            f"the files of a folder must have the same columns; {has.name} has {name!r}, and "
            f"{lacks} does not. Put the files of one table into a folder of their own."
        )
    for name, kind in found.items():
        if "null" not in (kind, known[name]) and kind != known[name]:
            raise DataError(
                f"column {name!r} must hold the same kind of cells in all files; {first.name} has "
                f"{known[name]}, and {place} has {kind}. Write them anew with one kind."
            )
    return {name: found[name] if kind == "null" else kind for name, kind in known.items()}


def _gathered(batches: Iterator[Any], rows: int) -> Iterator[list[Any]]:
    """Yields batches of so many rows together: Arrow may give less than it was asked for."""
    held: list[Any] = []
    count = 0
    for batch in batches:
        while count + batch.num_rows >= rows:
            head = rows - count
            yield [*held, batch.slice(0, head)]
            held, count, batch = [], 0, batch.slice(head)
        if batch.num_rows:
            held.append(batch)
            count += batch.num_rows
    if held:
        yield held


@contextmanager
def _reporting(place: Path) -> Iterator[None]:
    """Turns what pyarrow says about a damaged file into one error."""
    arrow = need("pyarrow", extra="parquet", purpose="Reading Parquet files")
    try:
        yield
    except DataError:
        raise
    except (arrow.ArrowException, OSError, ValueError) as error:
        text = " ".join(str(error).split())
        raise DataError(
            f"{place} cannot be read as a Parquet file: {text[:200]}. Is it whole, and of the kind "
            "that its name says?"
        ) from None
