"""Ctrl-C and SIGTERM end training at the next step boundary, after a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from plait.runs.folder import how_to_resume


class Interrupted(KeyboardInterrupt):
    """Training was interrupted by a signal, after a checkpoint if there is a run folder.

    Args:
        number: the number of the signal, such as 2 for SIGINT (Ctrl-C).
        run: the run folder; None if there is none.
        go_on: how to go on, where that is not by the run folder.

    Attributes:
        signal: the number of the signal; a process ends with 128 + it (130 for Ctrl-C).
    """

    def __init__(self, number: int, run: Path | None = None, *, go_on: str = "") -> None:
        name = signal.Signals(number).name
        saved = "no run folder, so nothing was saved"
        if run is not None:
            saved = f"to go on: {how_to_resume(run)}"
        saved = go_on or saved
        super().__init__(f"interrupted by {name}; {saved}")
        self.signal = number


class StopFlag:
    """Remembers the signal that asks training to stop.

    Attributes:
        received: its number; None if there was none.
    """

    def __init__(self) -> None:
        self.received: int | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Catches the first SIGINT and SIGTERM; a second of one acts at once, as without plait.

        One of each is no second: a worker gets Ctrl-C from the terminal, and SIGTERM from the
        process that has started it.

        Where SIGINT was ignored, as in the background of a script, the first is caught all the
        same. Outside the main thread, where Python allows no handlers, signals stay as they are,
        and so does a handler that was not made in Python, which could not be put back.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self.received = None
        found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        before = {number: handler for number, handler in found.items() if handler is not None}

        def note(number: int, frame: FrameType | None) -> None:
            self.received = self.received or number
            signal.signal(number, before[signal.Signals(number)])

        for number in before:
            signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
