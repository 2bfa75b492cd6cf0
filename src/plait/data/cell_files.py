"""Pictures and sounds inside the cells of a data set of Hugging Face, as files of a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plait.core.errors import DataError
from plait.data.files import MAX_BYTES, Store

ENDINGS = {"Image": ".jpg", "Audio": ".wav"}  # by the feature; readers look at the content


class CellFiles(Mapping[str, bytes]):
    """The files in the cells of a data set, read when they are asked for.

    Args:
        parts: `{split: data set}`.

    A name is ``ROW/SPLIT/COLUMN.ending``; see `name_of`.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = {name: part.with_format("arrow") for name, part in parts.items()}
        self._columns: dict[tuple[str, str], Any] = {}

    def __getitem__(self, name: str) -> bytes:
        row, split, column = name.rpartition(".")[0].split("/", 2)
        key = split, column
        if key not in self._columns:
            self._columns[key] = self._parts[split].select_columns([column])
        (cell,) = self._columns[key][int(row) : int(row) + 1][column].to_pylist()
        content = (cell or {}).get("bytes")
        if content is None:
            raise DataError(
                f"column {column!r} has no content in row {int(row) + 1}, but the path of a file "
                "beside the data set. Put the files into it: `data.to_parquet(FILE)` does."
            )
        if len(content) > MAX_BYTES:
            raise DataError(f"column {column!r} has over {MAX_BYTES} bytes in row {int(row) + 1}.")
        return bytes(content)

    def __contains__(self, name: object) -> bool:
        parts = str(name).rpartition(".")[0].split("/", 2)
        if len(parts) != 3 or not parts[0].isdecimal() or parts[1] not in self._parts:
            return False
        part = self._parts[parts[1]]
        return int(parts[0]) < len(part) and parts[2] in part.column_names

    def __iter__(self) -> Iterator[str]:
        for split, part in self._parts.items():
            for column, feature in part.features.items():
                if type(feature).__name__ in ENDINGS:
                    for row in range(len(part)):
                        yield name_of(row, split, column, feature)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def store(self) -> Store:
        """Returns the store of these files."""
        return Store(Path("the data set"), self)


def name_of(row: int, split: str, column: str, feature: Any) -> str:
    """Returns the name of the file in a cell.

    Args:
        row: its number in the split, from 0.
        split: the name of the split; empty if there is none.
        column: the name of the column.
        feature: of `datasets`, `Image` or `Audio`.
    """
    return f"{row}/{split}/{column}{ENDINGS[type(feature).__name__]}"
