"""A bar on stderr that shows how much of a file was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from plait.core.launched import is_first


@contextmanager
def reading(name: str) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar while its body reads a file; nothing where stderr is no terminal.

    Args:
        name: of the file.

    Yields:
        A function that is told how much was read, `progress(bytes, size)`.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    hidden = not (console.is_terminal and is_first())
    parts = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*parts, console=console, transient=True, disable=hidden) as bar:
        shown = bar.add_task(f"reading {name}", total=None)
        yield lambda done, size: bar.update(shown, completed=done, total=size)
