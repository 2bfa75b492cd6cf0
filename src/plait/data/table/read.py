"""Files of tables to frames, whole or in pieces."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import lzma
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from plait.core.errors import DataError
from plait.core.extras import need
from plait.data.table.counted import Counted, Progress
from plait.data.table.names import check_names
from plait.data.table.parquet import read_folder, whole_folder

if TYPE_CHECKING:
    import pandas as pd

FORMATS = {
    ".csv": "text",
    ".tsv": "text",
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".parquet": "parquet",
}
PACKED = (".gz", ".xz", ".zst")
EMPTY = ("", "NaN", "nan")  # cells without a value; other words may be those of a category
SEPARATORS = ",;\t|"
SAMPLE = 2**16  # characters from which the separator is told
IN_ONE_GO = (
    2**29
)  # bytes of a file that is read without a word in between; it takes a second or two


def read_table(path: Path | str, *, progress: Progress | None = None) -> pd.DataFrame:
    """Reads a whole table, one row for each example; nothing in the file is executed.

    Args:
        path: a file whose name ends in .csv, .tsv, .jsonl, .ndjson or .parquet; all but the last
            may be packed, with .gz, .xz or .zst after it. A CSV file has a first line of column
            names; its separator (comma, semicolon, tab or bar) is told from the first lines, and
            after semicolons numbers may be written with a decimal comma. Or a folder of Parquet
            files, which are one table.
        progress: is told the bytes that were read, and the size of the file, now and then.

    Returns:
        A frame; a cell is missing where it is empty or NaN. Words that may mean "missing", such as
        "NA", stay words.

    Raises:
        DataError: the file is missing, no table, or empty; two columns have one name; a row has
            more cells than there are columns. The message names the file, and the line if known.
        MissingExtraError: Parquet without pyarrow.
    """
    pd = need("pandas", extra="app", purpose="Reading tables")
    if Path(path).is_dir():
        return whole_folder(Path(path), progress=progress)
    layout = _layout(Path(path))
    if layout.form == "text":
        return _checked(_read_text(layout, progress), layout)
    with _opened(layout, progress) as file, _reporting(layout):
        if layout.form == "parquet":
            need("pyarrow", extra="parquet", purpose="Reading Parquet files")
            frame = pd.read_parquet(file)
        else:
            frame = pd.read_json(file, lines=True, **_JSON)
    return _checked(frame, layout)


def _read_text(layout: _Layout, progress: Progress | None) -> Any:
    """Reads a text in blocks, which is faster and takes less memory than as a whole.

    Where the cells of a column are numbers in one block and words in another, it is read again, as
    a whole: else some cells would lose how they are written.
    """
    pd = need("pandas", extra="app", purpose="Reading tables")
    size = layout.path.stat().st_size
    # Of a path, and of nothing else, pandas reads the blocks on several cores; nobody can count
    in_one_go = not layout.packing and size <= IN_ONE_GO
    try:
        with _opened(layout, progress) as file, _reporting(layout):
            found = pd.read_csv(
                layout.path.absolute() if in_one_go else file, **_csv_options(layout, blocks=True)
            )
    except pd.errors.DtypeWarning:
        with _opened(layout, progress) as file, _reporting(layout):
            found = pd.read_csv(file, **_csv_options(layout))
    if progress is not None:
        progress(size, size)
    return found


def read_pieces(
    path: Path | str, rows: int, *, progress: Progress | None = None
) -> Iterator[pd.DataFrame]:
    """Reads a table in frames of at most so many rows, for files larger than memory.

    Args:
        path: as for `read_table`.
        rows: of a frame, at least 1.
        progress: as for `read_table`.

    Raises:
        DataError: as `read_table`.
    """
    pd = need("pandas", extra="app", purpose="Reading tables")
    if Path(path).is_dir():
        yield from read_folder(Path(path), rows, progress=progress)
        return
    layout = _layout(Path(path))
    with _opened(layout, progress) as file, _reporting(layout):
        pieces: Any
        if layout.form == "parquet":
            parquet = need("pyarrow.parquet", extra="parquet", purpose="Reading Parquet files")
            batches = parquet.ParquetFile(file).iter_batches(batch_size=rows)
            pieces = (batch.to_pandas() for batch in batches)
        elif layout.form == "lines":
            pieces = pd.read_json(file, lines=True, chunksize=rows, **_JSON)
        else:
            pieces = pd.read_csv(file, chunksize=rows, **_csv_options(layout))
        before = 0
        for piece in pieces:
            yield _checked(piece, layout, before)
            before += len(piece)
        if not before:
            raise _no_rows(layout)


_JSON: Mapping[str, Any] = {"dtype": False, "convert_axes": False, "precise_float": True}


@dataclass(frozen=True)
class _Layout:
    """The way in which a file is written.

    Attributes:
        path: the file.
        form: "text", "lines" or "parquet".
        packing: its last suffix, such as ".gz"; empty if it is not packed.
        separator: of a text.
        decimal: the decimal sign of a text.
    """

    path: Path
    form: str
    packing: str = ""
    separator: str = ","
    decimal: str = "."


def _layout(path: Path) -> _Layout:
    """Finds out how a file is written, from its name and its first lines."""
    if not path.is_file():
        raise DataError(f"the table {path} is not there. Name a file, such as table.csv.")
    packing, form = form_of(path)
    layout = _Layout(path, form, packing)
    if form != "text":
        return layout
    with _opened(layout) as file, _reporting(layout):
        start = file.read(SAMPLE)
        if b"\0" in start:
            raise DataError(f"{path} is no text: it has zero bytes. Is it a table in CSV?")
        text = start.decode("utf-8-sig", errors="ignore")
    if not text.strip():
        raise _no_rows(layout)
    separator = "\t" if ".tsv" in path.suffixes else _separator(text)
    decimal = "," if separator == ";" and _decimal_comma(text) else "."
    names = next(csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True))
    check_names([name or f"Unnamed: {k}" for k, name in enumerate(names)], str(path))
    return _Layout(path, form, packing, separator, decimal)


def form_of(path: Path) -> tuple[str, str]:
    """Returns the packing (such as ".gz", or "") and the format that a file's name says.

    Raises:
        DataError: it says none.
    """
    packing = path.suffix.lower() if path.suffix.lower() in PACKED else ""
    form = FORMATS.get(path.with_suffix("").suffix.lower() if packing else path.suffix.lower())
    if form is None or (packing and form == "parquet"):
        raise DataError(
            f"the table {path} must end in {', '.join(FORMATS)} (all but the last perhaps with "
            f"{', '.join(PACKED)} after it). Save it as one of these."
        )
    return packing, form


def _separator(text: str) -> str:
    """Returns the sign that parts the names in the first line: the one that is there most often."""
    line = re.sub(r'"[^"]*"', "", text.splitlines()[0])
    return max(SEPARATORS, key=line.count)


def _decimal_comma(text: str) -> bool:
    cells = [cell.strip() for line in text.splitlines()[1:] for cell in line.split(";")]
    comma, point = (
        sum(re.fullmatch(rf"[+-]?\d+{sign}\d+", cell) is not None for cell in cells)
        for sign in (",", r"\.")
    )
    return comma > point


def _csv_options(layout: _Layout, *, blocks: bool = False) -> dict[str, Any]:
    return {
        "sep": layout.separator,
        "decimal": layout.decimal,
        "encoding": "utf-8-sig",
        "keep_default_na": False,
        "na_values": list(EMPTY),
        "index_col": False,  # else a row with a cell too many would move all columns by one
        "skipinitialspace": True,
        "low_memory": blocks,  # the kind of a column could change from block to block
    }


@contextmanager
def _opened(layout: _Layout, progress: Progress | None = None) -> Iterator[IO[bytes]]:
    """Opens a file, unpacked while it is read."""
    with ExitStack() as stack:
        raw: Any = stack.enter_context(layout.path.open("rb"))
        if progress is not None:
            raw = Counted(raw, layout.path.stat().st_size, progress)
        if layout.packing == ".gz":
            unpacked: Any = gzip.GzipFile(fileobj=raw)
            yield stack.enter_context(unpacked)
        elif layout.packing == ".xz":
            yield stack.enter_context(lzma.LZMAFile(raw))
        elif layout.packing == ".zst":
            zstandard = need("zstandard", extra="app", purpose="Reading .zst files")
            yield io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw))
        else:
            yield raw


@contextmanager
def _reporting(layout: _Layout) -> Iterator[None]:
    """Turns what the readers say about a damaged file into one error."""
    errors = need("pandas", extra="app", purpose="Reading tables").errors
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", errors.ParserWarning)  # of cells that it would leave out
            warnings.simplefilter("error", errors.DtypeWarning)
            yield
    except (DataError, errors.DtypeWarning):
        raise
    except UnicodeDecodeError:
        raise DataError(f"{layout.path} must be text in UTF-8. Save it in that encoding.") from None
    except _damage() as error:
        text = " ".join(str(error).split())
        raise DataError(f"{layout.path} cannot be read as a table: {text}{_hint(text)}") from None


def _damage() -> tuple[type[Exception], ...]:
    """Returns the errors by which the readers that are installed say that a file is damaged."""
    found = [ValueError, TypeError, OSError, EOFError, Warning, lzma.LZMAError, csv.Error]
    for module, name in (("zstandard", "ZstdError"), ("pyarrow", "ArrowException")):
        with suppress(ModuleNotFoundError):
            found.append(getattr(importlib.import_module(module), name))
    return tuple(found)


def _hint(text: str) -> str:
    line = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", text)
    if line or "Length of header" in text:
        where = f"line {line[2]}" if line else "a line"
        return (
            f". There is a separator too many in {where}: put cells that hold one into double "
            "quotes."
        )
    return ". Is it whole, and of the kind that its name says?"


def _checked(frame: pd.DataFrame, layout: _Layout, before: int = 0) -> pd.DataFrame:
    """Returns a frame that has rows, numbered as in the file, and columns of different names."""
    pd = need("pandas", extra="app", purpose="Reading tables")
    if not len(frame):
        raise _no_rows(layout)
    if any(name is not None for name in frame.index.names):  # an index that Parquet keeps
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    check_names(names, str(layout.path))
    rows = pd.RangeIndex(before, before + len(frame))
    return frame.set_axis(names, axis=1).set_axis(rows, axis=0)


def _no_rows(layout: _Layout) -> DataError:
    return DataError(f"the table {layout.path} is empty: there is no row of data in it.")
