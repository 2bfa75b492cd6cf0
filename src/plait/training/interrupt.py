"""Ctrl-C, SIGTERM and SIGUSR1 end training at the next step boundary, after a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from plait.core.signals import HEARD, WARNING
from plait.distributed import ranks
from plait.runs.folder import how_to_resume
from plait.training.keeper import Keeper

Handlers = Mapping[int, Any]  # what `signal.getsignal` gives, by number


class Interrupted(KeyboardInterrupt):
    """Training was interrupted by a signal, after a checkpoint if there is a run folder.

    Args:
        number: the number of the signal, such as 2 for SIGINT (Ctrl-C).
        run: the run folder; None if there is none.
        go_on: how to go on, where that is not by the run folder.

    Attributes:
        signal: the number of the signal; a process ends with 128 + it (130 for Ctrl-C), after
            SIGUSR1 with 143, as after SIGTERM.
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

    def obey(self, save: Callable[[], object], keeper: Keeper) -> None:
        """Ends the training, after a checkpoint, where a signal has asked any process for it.

        Args:
            save: makes the checkpoint.
            keeper: of the run; an earlier checkpoint may have failed behind the training.

        Raises:
            Interrupted: in all processes.
            CheckpointError: in all processes, where that one has failed.
        """
        number = int(ranks().highest(self.received or keeper.writer.failed))
        if number:
            save()  # which hears of one that has failed
            ranks().at_first(keeper.writer.wait)
            raise Interrupted(number, keeper.run)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Catches the first SIGINT and SIGTERM; a second of one acts at once, as without plait.

        One of each is no second: a worker gets Ctrl-C from the terminal, and SIGTERM from the
        process that has started it. SIGUSR1 is a request, which may come several times.

        Where SIGINT was ignored, as in the background of a script, the first is caught all the
        same. See `handling` for where signals stay as they are.
        """

        def note(number: int, before: Handlers) -> None:
            self.received = self.received or number
            if number != WARNING:
                signal.signal(number, before[number])

        if threading.current_thread() is threading.main_thread():
            self.received = None
        with handling(note):
            yield


class Handler:
    """Hands a signal to a function, with the handlers of before."""

    def __init__(self, handle: Callable[[int, Handlers], None], before: Handlers) -> None:
        self.handle, self.before = handle, before

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Hands the signal on."""
        self.handle(number, self.before)


def _is_of_others(handler: Any) -> bool:
    return callable(handler) and not isinstance(handler, Handler | signal.Handlers)


@contextmanager
def handling(handle: Callable[[int, Handlers], None]) -> Iterator[None]:
    """Hands SIGINT, SIGTERM and SIGUSR1 to a function while its body runs.

    Outside the main thread, where Python allows no handlers, signals stay as they are, and so does
    a handler that was not made in Python, which could not be put back. SIGUSR1 has no meaning of
    its own: who has given it one keeps it.

    Args:
        handle: is given the number of the signal, and the handlers of before, by number.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    found = {number: signal.getsignal(number) for number in HEARD}
    before = {int(n): each for n, each in found.items() if each is not None}
    if WARNING in before and _is_of_others(before[WARNING]):
        del before[WARNING]
    own = Handler(handle, before)
    for number in before:
        signal.signal(number, own)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
