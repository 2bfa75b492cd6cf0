"""Digests of data, by which a file that has changed is told from one that has merely moved."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

WHOLE = 2**30  # bytes of files in all of which the content is read; it takes a second or two
ABSENT = "absent"
OF_RUNS = ("events.jsonl", "comparison.json")  # a folder that has one was written by plait


def digest_of_path(path: Path | str) -> str:
    """Returns a digest of a file, or of all files below a folder; where it lies does not matter.

    See `digest_of_files`. Below a folder, hidden files (`.name`) and the folders of runs are left
    out, since runs may be written beside the data; links are followed.

    Returns:
        "absent" where there is no such file or folder.
    """
    path = Path(path)
    if path.is_dir():
        return digest_of_files(dict(_below(path)))
    return digest_of_files({"": path})


def digest_of_files(files: Mapping[str, Path]) -> str:
    """Returns a digest of files and their names.

    It covers the content of the files where they have up to 1 GiB in all, and is then the same on
    every machine. Of more, it covers the name, the size and the time of the last change of each.
    A file is read once in a process, unless its size or its time changes.

    Args:
        files: `{name: path}`; the name is part of the digest, the path is not.

    Returns:
        "content:" or "listing:" with 32 hexadecimal digits; "absent" where no file is there.
    """
    found = {name: path.stat() for name, path in sorted(files.items()) if path.is_file()}
    if not found:
        return ABSENT
    whole = sum(each.st_size for each in found.values()) <= WHOLE
    digest = hashlib.sha256()
    for name, each in found.items():
        known = f"{each.st_size} {each.st_mtime_ns}"
        if whole:
            known = _content(os.path.realpath(files[name]), each.st_size, each.st_mtime_ns)
        digest.update(f"{name}\0{known}\n".encode(errors="surrogateescape"))
    return f"{'content' if whole else 'listing'}:{digest.hexdigest()[:32]}"


def digest_of_frame(frame: Any) -> str:
    """Returns a digest of a table in memory: its columns' names, kinds and values, row by row.

    Args:
        frame: a frame of pandas; or a data set of Hugging Face `datasets`, or a dict of its splits,
            which bring a digest of their own (the key of their cache).
    """
    from plait.data.hugging_face import is_hugging_face  # here: it loads pandas, frames alone need

    digest = hashlib.sha256()
    if is_hugging_face(frame):
        parts = frame if isinstance(frame, Mapping) else {"": frame}
        for name, part in sorted(parts.items()):
            digest.update(f"{name}\0{getattr(part, '_fingerprint', None)}\n".encode())
    else:
        import pandas as pd

        for place, name in enumerate(frame.columns):
            column = frame.iloc[:, place]
            digest.update(f"{name!r}\0{column.dtype}\n".encode())
            values = pd.util.hash_pandas_object(_hashable(column), index=False)
            digest.update(np.ascontiguousarray(values.to_numpy()).tobytes())
    return f"content:{digest.hexdigest()[:32]}"


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields `(relative name, path)` of all files below a folder but hidden ones and runs."""
    entered: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        at = os.stat(place)
        if (at.st_dev, at.st_ino) in entered or any(name in names for name in OF_RUNS):
            folders.clear()
            continue
        entered.add((at.st_dev, at.st_ino))  # a link may lead in a circle
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if not name.startswith("."):
                path = Path(place, name)
                yield path.relative_to(folder).as_posix(), path


@lru_cache(maxsize=2**16)
def _content(path: str, size: int, changed: int) -> str:
    """Returns the digest of a file's content, read once for each size and time of change."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hashable(column: pd.Series[Any]) -> pd.Series[Any]:
    """Returns a column whose lists, arrays and the like are written out."""
    if column.dtype != object:
        return column
    return column.map(_plain)


def _plain(cell: Any) -> Any:
    """Writes out a cell that pandas cannot hash; others stay as they are."""
    if isinstance(cell, np.ndarray):
        content = np.ascontiguousarray(cell).tobytes() if cell.dtype != object else repr(cell)
        return repr((cell.dtype.str, cell.shape, content))
    if isinstance(cell, str | bytes | int | float | complex) or cell is None:
        return cell
    return repr(cell)
