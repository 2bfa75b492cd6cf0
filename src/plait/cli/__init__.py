"""The command line: parses and calls."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits.

    Results go to stdout, all else to stderr; wrong input is one message. Exit codes: 0 done, 1 a
    failure inside plait or its libraries (with a traceback), 2 an error in usage, configuration or
    data, 3 another process of the training was lost, 128 + n stopped by signal n (130 for Ctrl-C,
    143 for SIGTERM and for SIGUSR1).

    Args:
        arguments: the words after `plait`; those of the process by default.
    """
    from plait.core.errors import PlaitError
    from plait.core.launched import complain

    try:
        sys.exit(_run(arguments))
    except PlaitError as error:
        complain(f"error: {error}", error.exit_code)
        sys.exit(error.exit_code)


def _run(arguments: list[str] | None) -> int:
    """Runs a command, or answers a shell that wants to complete one; returns the exit code."""
    from plait.core.errors import InputError
    from plait.core.extras import need

    need("typer", extra="app", purpose="The command line")
    from typer.exceptions import TyperException

    from plait.cli.app import app

    if "_PLAIT_COMPLETE" in os.environ:
        from plait.cli.complete import answer

        text, code = answer(app, os.environ)
        if text:
            print(text)
        return code
    try:
        # standalone, typer would frame an error in many lines, and load rich for it
        code = app(arguments, prog_name="plait", standalone_mode=False)
    except TyperException as error:
        text = error.format_message()
        raise InputError(f"{text[:1].lower()}{text[1:]} See `plait --help`.") from None
    return code or 0
