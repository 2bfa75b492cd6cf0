"""The command line: parses and calls."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits.

    Results go to stdout, all else to stderr. Exit codes: 0 done, 1 a failure inside plait or its
    libraries (with a traceback), 2 an error in usage, configuration or data, 128 + n stopped by
    signal n (130 for Ctrl-C).
    """
    from plait.core.errors import PlaitError
    from plait.core.extras import need

    try:
        need("typer", extra="app", purpose="The command line")
        from plait.cli.app import app

        app(arguments, prog_name="plait")
    except PlaitError as error:
        print(f"plait: error: {error}", file=sys.stderr)
        sys.exit(2)
