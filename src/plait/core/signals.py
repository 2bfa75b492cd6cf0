"""Signals that ask a training to end, and the exit codes after them."""

from __future__ import annotations

import signal

WARNING = getattr(signal, "SIGUSR1", None)
"""The signal of a scheduler before the time is over; None on a system that has none."""

HEARD = (signal.SIGINT, signal.SIGTERM, *(() if WARNING is None else (WARNING,)))
"""The signals after which a training ends at the next step, with a checkpoint."""


def exit_code(number: int) -> int:
    """Returns the exit code of a process that a signal has ended: 128 + n, 143 after a warning.

    Example:
        >>> exit_code(signal.SIGINT), exit_code(signal.SIGTERM)
        (130, 143)
    """
    return 128 + (signal.SIGTERM if number == WARNING else number)
