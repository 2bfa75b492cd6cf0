"""The file of a study, which several processes append to, and which a killed one leaves whole."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.core.extras import need
from plait.experiments.jobs.hold import hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna import Study
    from optuna.storages.journal import JournalStorage

JOURNAL = "study.log"
WRITING = ".study"  # the folder whose lock is held while a process appends to the journal
NAME = "plait"  # of the study in its journal, which has no other
LONGEST = 60.0  # seconds until another process must have written its line
PURPOSE = "A search for settings"


def open_journal(folder: Path) -> JournalStorage:
    """Opens the journal of a study, or begins one.

    Optuna's own lock is a file that a killed process leaves behind, for which others then wait half
    a minute. This one ends with its process. A line that was cut off, as by a full disk, is taken
    away, since what would be written behind it could not be read.

    Args:
        folder: of the study.

    Raises:
        ConfigError: the folder cannot be made.
    """
    journals = need("optuna.storages.journal", extra="app", purpose=PURPOSE)

    class Lock(journals.JournalFileOpenLock):  # type: ignore[misc, name-defined]
        """The lock of the journal, held as all others of a run are."""

        def __init__(self) -> None:
            self._held = ExitStack()

        def acquire(self) -> bool:
            """Waits until no other process writes."""
            self._held.enter_context(hold(folder / WRITING, wait=LONGEST))
            return True

        def release(self) -> None:
            """Lets others write."""
            self._held.close()

    path = folder / JOURNAL
    with hold(folder / WRITING, wait=LONGEST):
        _mend(path)
    backend = journals.JournalFileBackend(str(path), lock_obj=Lock())
    storage: JournalStorage = journals.JournalStorage(backend)
    return storage


def open_study(storage: JournalStorage, directions: Sequence[str]) -> Study:
    """Opens the study of a journal, or begins it.

    Args:
        storage: the journal.
        directions: "maximize" or "minimize", one for each objective.
    """
    optuna = need("optuna", extra="app", purpose=PURPOSE)
    with quiet():
        study: Study = optuna.create_study(
            storage=storage, study_name=NAME, directions=list(directions), load_if_exists=True
        )
    return study


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps Optuna's own lines, and what it calls experimental, from stderr."""
    optuna: Any = need("optuna", extra="app", purpose=PURPOSE)
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def _mend(path: Path) -> None:
    """Takes away what stands behind the last whole line of a file."""
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
