"""The command line: parses and calls."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits.

    Results go to stdout, all else to stderr. Exit codes: 0 done, 1 a failure inside plait or its
    libraries (with a traceback), 2 an error in usage, configuration or data, 130 interrupted.
    """
    from plait.core.errors import PlaitError
    from plait.core.extras import need

    try:
        need("typer", extra="app", purpose="The command line")
        from plait.cli.app import app
        from plait.training import Interrupted

        try:
            app(arguments, prog_name="plait")
        except Interrupted as error:
            print(f"plait: {error}", file=sys.stderr)
            sys.exit(128 + error.signal)
        except KeyboardInterrupt:
            print("plait: interrupted", file=sys.stderr)
            sys.exit(130)
    except PlaitError as error:
        print(f"plait: error: {error}", file=sys.stderr)
        sys.exit(2)
