"""A folder that one process at a time works in."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from plait.core.errors import ConfigError, RunExistsError
from plait.runs.folder import LOCK, make_folder

LOOK_AGAIN = 0.1  # seconds
_held: set[Path] = set()  # by this process, to which the system would give a lock twice


@contextmanager
def hold(folder: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Keeps all other processes that ask for a folder out of it while the body runs.

    The lock is one of the system's on a file in the folder (`.lock`). It ends with the process,
    however that ends, so none is left behind; the file stays, and means nothing by itself.

    Args:
        folder: of a run or of a comparison; made if needed.
        wait: seconds until another process must have left it.

    Raises:
        RunExistsError: another process works in it; nothing in it was touched.
        ConfigError: the folder cannot be made, or a file in it not be opened or locked.
    """
    make_folder(folder, way="Name another with --out.")
    place = folder.resolve()
    with _opened(place) as file:
        _acquire(file, place, wait)
        _held.add(place)
        try:
            file.seek(0)
            file.truncate()
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield
        finally:
            _held.discard(place)
            _unlock(file)


def check_left(folder: Path, *, wait: float = 0.0) -> None:
    """Checks that no other process works in a folder, without entering it.

    Args:
        folder: of a run; need not be there.
        wait: seconds until another process must have left it.

    Raises:
        RunExistsError: another process works in it.
    """
    if (folder / LOCK).is_file():
        with _opened(folder.resolve()) as file:
            _acquire(file, folder.resolve(), wait)
            _unlock(file)


def _opened(folder: Path) -> TextIO:
    try:
        return (folder / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{folder / LOCK} cannot be opened: {error.strerror}. May you write into that folder?"
        ) from None


def _acquire(file: TextIO, folder: Path, wait: float) -> None:
    """Takes the lock, as soon as it is free."""
    until = time.monotonic() + wait
    while folder in _held or not _lock(file):
        if time.monotonic() >= until:
            file.seek(0)
            number = file.read(20).strip()
            by = f"process {number}" if number.isdecimal() else "another process"
            raise RunExistsError(
                f"{by} works in {folder}; nothing in it was touched. Wait until it has ended, or "
                "name another folder."
            )
        time.sleep(LOOK_AGAIN)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: TextIO) -> bool:
        """Takes the lock if it is free, and returns whether it was."""
        file.seek(2**20)  # beyond the text, which others may read
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: TextIO) -> None:
        file.seek(2**20)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: TextIO) -> bool:
        """Takes the lock if it is free, and returns whether it was.

        It is one of POSIX, which a forked process does not inherit: a reader of data that outlives
        its training for a moment does not keep it.
        """
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            raise ConfigError(
                f"{file.name} cannot be locked: {error.strerror}. The file system must have locks; "
                "name a folder of another one."
            ) from None
        return True

    def _unlock(file: TextIO) -> None:
        fcntl.lockf(file, fcntl.LOCK_UN)
