"""Warnings as lines of a program, without their place in its source."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from plait.core.errors import PlaitWarning


@contextmanager
def plain_warnings(of: str = "") -> Iterator[None]:
    """Shows the warnings of plait as `plait: warning: ...` while its body runs.

    Those of others keep their form.

    Args:
        of: what they are about, such as a run, which then stands before them.
    """
    before = warnings.formatwarning
    start = f"plait: {of}: warning: " if of else "plait: warning: "

    def told(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        line: str | None = None,
    ) -> str:
        if issubclass(category, PlaitWarning):
            return f"{start}{message}\n"
        return before(message, category, filename, lineno, line)

    warnings.formatwarning = told
    try:
        yield
    finally:
        warnings.formatwarning = before
