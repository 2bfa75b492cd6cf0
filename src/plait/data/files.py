"""Files from strangers: bounded in size, never unpickled, never outside their folder.

Whatever is wrong with a file is a `DataError` that names it.
"""

from __future__ import annotations

import lzma
import re
import tarfile
import zipfile
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os.path import isfile
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.errors import DataError

MAX_BYTES = 64 * 2**20  # of one file, or of an archive's arrays; a photo has under 4 MB
MAX_UNPACKED = 256 * 2**20  # of a packed archive: a small one may become as large as one likes
XZ = b"\xfd7zXZ\x00"  # how a file that is packed with xz begins


@dataclass(frozen=True)
class Store:
    """Files by their relative name: of a folder, or of an archive that is held in memory.

    Attributes:
        root: the folder, or the archive.
        members: `{name: content}` of an archive; None for a folder.
    """

    root: Path
    members: Mapping[str, bytes] | None = None

    def holds(self, name: str) -> bool:
        """Whether a name stays inside of the store: relative, and no link leads out of it."""
        if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
            return False
        if self.members is not None:
            return True
        return (self.root / name).resolve().is_relative_to(self.root.resolve())

    def has(self, name: str) -> bool:
        """Returns True if there is a file of that name."""
        # A sentence in place of a path may be longer than a name, for which `Path.is_file` raises
        return isfile(self.root / name) if self.members is None else name in self.members

    def read(self, name: str) -> bytes:
        """Returns the content of a file.

        Raises:
            DataError: it cannot be read, or has over `MAX_BYTES`.
        """
        return bytes_of(self.root / name) if self.members is None else self.members[name]

    def place(self, name: str) -> str:
        """Returns the place of a file as text, for messages."""
        return str(self.root / name) if self.members is None else f"{name} in {self.root}"


def folder_with(folder: Path | str, expected: Sequence[str]) -> Path:
    """Returns the folder as a path, after a check of what it holds.

    Args:
        folder: the data folder.
        expected: names of the files and folders that have to be in it.

    Raises:
        DataError: there is no such folder, or one of them is missing.
    """
    root = Path(folder)
    absent = [name for name in expected if not (root / name).exists()]
    if absent:
        finding = f"{', '.join(absent)} not found" if root.is_dir() else "there is no such folder"
        raise DataError(
            f"the data folder {root} must hold {', '.join(expected)}; {finding}. "
            "Give the folder that the data were put in."
        )
    return root


def folder_of(table: Path) -> Path:
    """Returns the folder that paths in a table's cells start from: its own, or itself if it is one.

    Example:
        >>> folder_of(Path("data/pets.csv")).as_posix()
        'data'
    """
    return table if table.is_dir() else table.parent


def safe_name(name: str, place: str) -> str:
    """Returns `name` if files named after it stay in their folder.

    Every name from a list of a stranger has to come through here.

    Args:
        name: letters, digits, `_`, `-`, `.` and spaces, at most 60.
        place: the line of the list, for the message.

    Raises:
        DataError: any other name.
    """
    if not re.fullmatch(r"[\w-][\w. -]{0,59}", name):
        raise DataError(
            f"{place}: a name must be letters, digits, '_', '-', '.' and no folders, at most 60 "
            f"characters; found {name[:80]!r}. Are the data from a source that you trust?"
        )
    return name


def bytes_of(path: Path) -> bytes:
    """Returns the content of a file.

    Raises:
        DataError: it cannot be read, or has over `MAX_BYTES`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} must be a file that can be read; {error.strerror}.") from None
    if len(content) > MAX_BYTES:
        raise DataError(f"{path} must have at most {MAX_BYTES} bytes; found more. Is it that file?")
    return content


def text_of(path: Path) -> str:
    """Returns the content of a text file in UTF-8, with or without a byte order mark.

    Raises:
        DataError: it cannot be read, is not UTF-8, or has over `MAX_BYTES`.
    """
    try:
        return bytes_of(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path} must be text in UTF-8. Save it in that encoding.") from None


def read_tar(path: Path, names: Container[str] | None = None) -> Store:
    """Reads members of a tar archive into memory; it is plain, or packed with xz.

    Links are not followed. Sparse members are passed over: they can be far larger than the archive;
    so are members over `MAX_BYTES`.

    Args:
        path: the archive.
        names: of the members that are wanted; those that it does not have are left out. All by
            default.

    Raises:
        DataError: it cannot be read, is packed in another way or damaged, or has over
            `MAX_UNPACKED` bytes when unpacked.
    """
    members: dict[str, bytes] = {}
    try:
        with _opened_tar(path) as archive:
            for member in archive:
                plain = member.isreg() and not member.issparse() and member.size <= MAX_BYTES
                wanted = plain and (names is None or member.name in names)
                file = archive.extractfile(member) if wanted else None
                if file is not None:
                    members[member.name] = file.read()
    except (tarfile.TarError, lzma.LZMAError, OSError, ValueError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path} must be a whole tar archive, plain or packed with xz; {error}. "
            "Is it truncated? Copy or download it again."
        ) from None
    return Store(path, members)


@contextmanager
def _opened_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Opens an archive; what is packed is read once, from the beginning, and no further than so."""
    with path.open("rb") as file:
        packed = file.read(len(XZ)) == XZ
    if not packed:
        with tarfile.open(path, "r:") as archive:
            yield archive
        return
    with lzma.open(path) as unpacked:
        bounded: Any = _Bounded(path, unpacked, MAX_UNPACKED)
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            yield archive
        while bounded.read(2**16):  # the checksum of all is at the end
            pass


class _Bounded:
    """A file of which at most so many bytes can be read."""

    def __init__(self, path: Path, file: lzma.LZMAFile, most: int) -> None:
        self.path = path
        self.file = file
        self.most = most
        self.left = most

    def read(self, size: int) -> bytes:
        """Returns up to so many bytes.

        Raises:
            DataError: all the bytes that may be read were read.
        """
        content = self.file.read(min(size, self.left + 1))
        self.left -= len(content)
        if self.left < 0:
            raise DataError(
                f"{self.path} must have at most {self.most} bytes when unpacked; it has more. "
                "Is it that file?"
            )
        return content


def read_npz(path: Path, keys: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Reads some arrays of a NumPy archive; nothing that is pickled is unpacked.

    Args:
        path: the archive.
        keys: names of the arrays.

    Raises:
        DataError: it is damaged, lacks an array, holds pickled objects, or has over `MAX_BYTES`
            when unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MAX_BYTES:
            raise DataError(
                f"{path} must have at most {MAX_BYTES} bytes when unpacked; it has {size}. "
                "Is it that file?"
            )
        with np.load(path, allow_pickle=False) as arrays:
            absent = [key for key in keys if key not in arrays.files]
            if absent:
                raise DataError(
                    f"{path} must hold the arrays {', '.join(keys)}; there is no "
                    f"{', '.join(absent)}. Is it that file?"
                )
            return {key: arrays[key] for key in keys}
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path} must be a whole NumPy archive (.npz); {error}. Is it truncated? Copy it again."
        ) from None
