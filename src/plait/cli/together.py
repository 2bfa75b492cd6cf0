"""A command in several processes of this machine."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from plait.core.errors import ConfigError
from plait.core.launched import check_timeout, complain, processes


def check_several(timeout: float | None, count: int) -> None:
    """Checks how long several processes wait for each other.

    Args:
        timeout: in seconds; None for torch's.
        count: the number of processes that are to be started.

    Raises:
        ConfigError: it is not above 0, or there is one process alone.
    """
    check_timeout(timeout)
    if timeout is not None and count == processes() == 1:
        raise ConfigError("--timeout is of several processes. Start them with --nproc.")


def together(words: Sequence[str], count: int, timeout: float | None, *, json: bool) -> None:
    """Runs ``plait train`` in several processes, and exits as they do.

    Args:
        words: of the command, without `--nproc`.
        count: the number of processes, above 1.
        timeout: seconds that they wait for one of them; None for torch's.
        json: whether the result is printed as JSON.

    Raises:
        ConfigError: this process was started with others.
    """
    if processes() > 1:
        raise ConfigError("--nproc starts processes, and this one was started with others already.")

    from plait.distributed.launch import launch

    own = ["--timeout", f"{timeout:g}"] if timeout is not None else []
    ending = launch(["train", *words, *own, *(["--json"] if json else [])], count)
    for reason in ending.reasons:
        complain(reason, ending.code)
    if ending.code:
        raise typer.Exit(ending.code)
