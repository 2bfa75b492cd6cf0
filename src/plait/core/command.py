"""The command that this process was called by."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def command() -> str:
    """Returns the command as it is typed, such as ``plait train digits``.

    ``python -m plait`` is `plait` as well, and words with blanks are quoted.
    """
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    return shlex.join([name, *sys.argv[1:]])
