"""The lines of one kind in the log of a run, and its steps as columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plait.core.errors import DataError
from plait.runs.events import Step, Tasks
from plait.runs.folder import EVENTS
from plait.runs.step_columns import StepColumns
from plait.runs.step_rows import StepRows


def logged(folder: Path, event: str) -> Iterator[dict[str, Any]]:
    """Yields the lines of `events.jsonl` that are of one kind, in their order.

    Args:
        folder: of a run that has a log. A last line that is cut off, as a training that was killed
            may leave it, is passed over.
        event: the kind, such as "warning" or "evaluation"; see `plait.runs.events`. Lines of other
            kinds are passed over unread, since most of a log is steps.
    """
    for _, line in _lines(folder, event):
        yield line


def steps_of(folder: Path) -> StepColumns:
    """Returns the steps of a run as columns of numbers.

    Args:
        folder: as in `logged`.

    Raises:
        DataError: a step is broken, or the log does not name the tasks before the first one.

    Example:
        >>> import tempfile
        >>> lines = ['{"event": "tasks", "names": ["a", "b"]}']
        >>> where = '"epoch": 0, "lr": 0.1, "seconds": 1.0, "gradient_norm": 2.0'
        >>> lines += [f'{{"event": "step", "step": 1, {where}, "losses": [0.5, null]}}']
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "events.jsonl").write_text("\\n".join(lines))
        ...     steps = steps_of(Path(folder))
        >>> steps.of(steps.losses, "a").tolist()
        [0.5]
    """
    rows = StepRows()
    for number, line in _lines(folder, "tasks", "step"):
        where = f"{folder / EVENTS}, line {number}"
        try:
            if line["event"] == "tasks":
                rows.name(Tasks(**line), where)
            else:
                rows.check_named(where)
                rows.add(Step(**line), where)
        except DataError:
            raise
        except (TypeError, ValueError) as error:  # fields or values that a step cannot have
            raise DataError(f"{where}: {error}. Repair or remove this line.") from None
    return rows.columns()


def _lines(folder: Path, *kinds: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the lines of some kinds with their numbers, from 1."""
    starts = tuple(f'{{"event": "{kind}"' for kind in kinds)
    with (folder / EVENTS).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.startswith(starts):
                try:
                    found = json.loads(line)
                except ValueError as error:
                    if not line.endswith("\n"):
                        return
                    where = f"{folder / EVENTS}, line {number}"
                    raise DataError(f"{where}: {error}. Repair or remove this line.") from None
                yield number, found
