"""Files from strangers: read in part or whole, never unpacked, never outside their folder.

Whatever is wrong with a file is a `DataError` that names it.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plait.core.errors import DataError

_MAX_BYTES = 64 * 2**20  # of one file; a photo has under 4 MB


@dataclass(frozen=True)
class Store:
    """Files by their relative name: members of an archive, in memory, or else of a folder."""

    root: Path
    members: Mapping[str, bytes] | None = None

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return (self.root / name).is_file() if self.members is None else name in self.members

    def read(self, name: str) -> bytes:
        """Returns the file's content."""
        return bytes_of(self.root / name) if self.members is None else self.members[name]

    def place(self, name: str) -> str:
        """Returns what a message calls the file."""
        return str(self.root / name) if self.members is None else f"{name} in {self.root}"


def folder_with(folder: Path | str, expected: Sequence[str]) -> Path:
    """Returns the folder as a path, once all that it has to hold is there."""
    root = Path(folder)
    absent = [name for name in expected if not (root / name).exists()]
    if absent:
        finding = f"{', '.join(absent)} not found" if root.is_dir() else "there is no such folder"
        raise DataError(
            f"the data folder {root} must hold {', '.join(expected)}; {finding}. "
            "Give the folder that the data were put in."
        )
    return root


def safe_name(name: str, place: str) -> str:
    """Returns `name` if files named after it stay in their folder; every listed name comes here."""
    if not re.fullmatch(r"[\w-][\w. -]{0,59}", name):
        raise DataError(
            f"{place}: a name must be letters, digits, '_', '-', '.' and no folders, at most 60 "
            f"characters; found {name[:80]!r}. Are the data from a source that you trust?"
        )
    return name


def bytes_of(path: Path) -> bytes:
    """Returns the content of a file that is not absurdly large."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} must be a file that can be read; {error.strerror}.") from None
    if len(content) > _MAX_BYTES:
        raise DataError(
            f"{path} must have at most {_MAX_BYTES} bytes; found more. Is it that file?"
        )
    return content


def text_of(path: Path) -> str:
    """Returns the content of a text file."""
    try:
        return bytes_of(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path} must be text in UTF-8. Save it in that encoding.") from None


def read_tar(path: Path, names: set[str]) -> Store:
    """Reads the named members of an uncompressed archive.

    Links are not followed. Sparse members are passed over: they can be far larger than the archive.
    """
    members: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                plain = member.isreg() and not member.issparse() and member.size <= _MAX_BYTES
                file = archive.extractfile(member) if plain and member.name in names else None
                if file is not None:
                    members[member.name] = file.read()
    except (tarfile.TarError, OSError, ValueError) as error:
        raise DataError(
            f"{path} must be a whole, uncompressed tar archive; {error}. "
            "Is it truncated? Copy or download it again."
        ) from None
    return Store(path, members)
