"""Files that the rows of a table name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plait.core.errors import DataError
from plait.data.files import Store


@dataclass(frozen=True)
class Files:
    """The files that one column of a table names, row by row.

    Attributes:
        store: where they are.
        names: the name of each row's file, relative to the store; empty where it is missing.
        column: the name of the column, for messages.
        table: the name of the table, for messages.
        first: the number of the first row, for messages; a piece of a table does not begin at 1.
    """

    store: Store
    names: Sequence[str]
    column: str
    table: str = ""
    first: int = 1

    def __len__(self) -> int:
        return len(self.names)

    def place(self, row: int) -> str:
        """Returns the place of a row's file as a message names it: file, row and column."""
        of = f" of {self.table}" if self.table else ""
        return (
            f"{self.store.place(self.names[row])} (row {self.first + row}{of}, "
            f"column {self.column!r})"
        )

    def read(self, row: int) -> bytes:
        """Returns the content of a row's file.

        Raises:
            DataError: it cannot be read, or is too large.
        """
        try:
            return self.store.read(self.names[row])
        except DataError as error:
            raise DataError(f"{self.place(row)}: {error}") from None

    def check(self) -> None:
        """Checks that all names stay inside of the store, and that their files are there.

        Raises:
            DataError: a name leads out of the store, or there is no such file; it names the row.
        """
        seen: set[str] = set()
        for row, name in enumerate(self.names):
            if not name or name in seen:
                continue
            seen.add(name)
            if not self.store.holds(name):
                root = self.store.root.resolve()
                raise DataError(
                    f"row {self.first + row}, column {self.column!r}"
                    f"{f' of {self.table}' if self.table else ''}: a path must lead to a file "
                    f"inside of {root}; found {name[:200]!r}. Write paths relative to "
                    "that folder, and keep the files in it."
                )
            if not self.store.has(name):
                way = "Write / between folders" if "\\" in name else "Correct the path"
                raise DataError(
                    f"{self.place(row)}: there is no such file. {way}, or empty the cell where "
                    "there is none."
                )
