"""Sentences of a run for the terminal, where its progress is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from plait.training import Callback, ProgressBar


def teller(callbacks: Sequence[Callback]) -> Callable[[str], None]:
    """Returns a function that writes a sentence beside the progress; silent where none is shown."""
    consoles = [each.console for each in callbacks if isinstance(each, ProgressBar)]

    def say(text: str) -> None:
        for console in consoles:
            console.print(Text(text), soft_wrap=True)

    return say
