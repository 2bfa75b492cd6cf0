"""A command in several processes of this machine."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from plait.core.errors import ConfigError
from plait.core.launched import complain, processes


def together(words: Sequence[str], count: int, *, json: bool) -> None:
    """Runs ``plait train`` in several processes, and exits as they do.

    Args:
        words: of the command, without `--nproc`.
        count: the number of processes, above 1.
        json: whether the result is printed as JSON.

    Raises:
        ConfigError: this process was started with others.
    """
    if processes() > 1:
        raise ConfigError("--nproc starts processes, and this one was started with others already.")

    from plait.distributed.launch import launch

    ending = launch(["train", *words, *(["--json"] if json else [])], count)
    for reason in ending.reasons:
        complain(reason)
    if ending.code:
        raise typer.Exit(ending.code)
