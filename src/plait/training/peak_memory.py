"""The most memory that a training takes."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import torch

STATUS = Path("/proc/self/status")  # of Linux: sizes of this process
CLEAR = Path("/proc/self/clear_refs")
RESET = "5"  # written to CLEAR, it sets the high-water mark to what is resident now


class PeakMemory:
    """Measures the most memory that was in use at any time while its body ran.

    On a CUDA device that is the most that its tensors took (`torch.cuda.max_memory_allocated`).
    Else it is the most main memory of the whole process, with Python, the libraries and the data
    that are held: the high-water mark of its resident set, which Linux counts and lets a process
    set back. Workers of data loaders are processes of their own, and are not counted.

    One may be used within another: the outer one does not lose what it has seen.

    Args:
        device: that computes; the CPU by default.

    Attributes:
        bytes: the most memory, in bytes, once the body has ended; None before, on other systems,
            and where the mark cannot be set back.

    Example:
        >>> with PeakMemory() as peak:
        ...     size = torch.zeros(1000).nbytes
        >>> peak.bytes is None or peak.bytes > size
        True
    """

    _open: ClassVar[list[PeakMemory]] = []

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.bytes: int | None = None
        self._seen = 0
        self._known = True

    def __enter__(self) -> Self:
        for outer in self._open:
            outer._look()
        self._seen, self._known, self.bytes = 0, True, None
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            self._known = _set_back()
        self._open.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.remove(self)
        self._look()
        self.bytes = self._seen if self._known else None

    def _look(self) -> None:
        """Takes in the mark as it is now, which may be set back afterwards."""
        if self.device.type == "cuda":
            mark: int | None = torch.cuda.max_memory_allocated(self.device)
        else:
            mark = _high_water_mark()
        self._known &= mark is not None
        self._seen = max(self._seen, mark or 0)


def _set_back() -> bool:
    """Sets the high-water mark to what is resident now; returns whether the system allows it."""
    try:
        CLEAR.write_text(RESET)
    except OSError:
        return False
    return True


def _high_water_mark() -> int | None:
    """Returns the most bytes that were resident; None where the system does not say."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None
