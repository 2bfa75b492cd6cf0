"""Whether a run that is resumed has the options that it was begun with."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plait.core.errors import CheckpointError

# Options that a resumed run may have anew, and that are obeyed: how long it trains, where it runs,
# what it writes, and how it computes the same gradients.
OBEYED = frozenset(
    {
        *("epochs", "minutes", "patience", "device", "workers", "data", "table"),
        *("first_steps", "measure_every", "log_every", "checkpoint_every", "async_save", "gallery"),
        *("route", "chunk_size", "nonfinite", "parallel"),
    }
)
SECTIONS = ("config", "options", "model", "mixture", "optimizer", "scheduler")
NOT_GIVEN = "not given"
MOST_NAMED = 6
WIDTH = 60  # characters of a value in the message


def check_agreement(saved: Mapping[str, Any], now: Mapping[str, Any], run: Path) -> None:
    """Refuses to resume a run with other options than its own, by name.

    With another number of epochs, the scheduler may be another one as well: it is replayed from
    the first step.

    Args:
        saved: what the run was begun with, `{section: settings}`.
        now: what it is resumed with.
        run: the run folder, for the message.

    Raises:
        CheckpointError: an option that is not obeyed differs.
    """
    free = set(OBEYED)
    if _epochs(saved) != _epochs(now) and "ReduceLROnPlateau" not in (_rates(saved), _rates(now)):
        free.add("scheduler")
    for section in SECTIONS:
        if section not in saved or section not in now or section in free:
            continue
        found = list(differences(_bound(saved[section], free), _bound(now[section], free)))
        if found:
            prefix = section if section in ("optimizer", "scheduler") else ""
            named = [told(f"{prefix}{path}", *values) for path, *values in found[:MOST_NAMED]]
            more = len(found) - len(named)
            raise CheckpointError(
                f"the run in {run} was made with other options: {'; '.join(named)}"
                f"{f'; and {more} more' if more else ''}. Resume it with the old ones, or train "
                "anew in another folder; `epochs`, `minutes`, `patience`, the device and the "
                "logging may be changed."
            )


def check_position(saved: Mapping[str, Any], now: Mapping[str, Any], run: Path) -> None:
    """Refuses to resume a run where it cannot go on: beyond its end, or among other batches.

    Args:
        saved: the checkpoint, with its `about` and its `state`.
        now: what the run is resumed with.
        run: the run folder, for the message.

    Raises:
        CheckpointError: it has trained for more epochs than it is to train; or it has stopped
            inside an epoch, and the loader has another number of batches.
    """
    reached, batch = saved["state"]["epoch"], saved["state"]["batch"]
    epochs = now["options"]["epochs"]
    if reached + (batch > 0) > epochs:
        raise CheckpointError(
            f"the run in {run} has trained for {reached} epochs{' and a part' if batch else ''}; "
            f"`epochs` must be at least {reached + (batch > 0)}; found {epochs}."
        )
    before, after = (about.get("data", {}).get("batches") for about in (saved["about"], now))
    if batch and before != after:
        raise CheckpointError(
            f"the run in {run} has stopped after batch {batch} of an epoch of {before}; the "
            f"training loader now has {after}. Resume it with the same data and batch size; "
            "other ones can begin with an epoch."
        )


def differences(saved: Any, now: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yields `(path, saved value, present value)` of each leaf in which two settings differ.

    Example:
        >>> list(differences({"lr": 0.1, "by": {"c": 1}}, {"lr": 0.1, "by": {"c": 2}}))
        [('.by.c', 1, 2)]
    """
    if isinstance(saved, Mapping) and isinstance(now, Mapping):
        if saved.get("class") != now.get("class"):  # two methods, not two options of one
            yield path, saved.get("class"), now.get("class")
            return
        for key in dict.fromkeys([*saved, *now]):
            values = saved.get(key, NOT_GIVEN), now.get(key, NOT_GIVEN)
            yield from differences(*values, f"{path}.{key}")
    elif isinstance(saved, list) and isinstance(now, list) and len(saved) == len(now):
        for position, (old, new) in enumerate(zip(saved, now, strict=True)):
            yield from differences(old, new, f"{path}[{position}]")
    elif saved != now and json.dumps(saved) != json.dumps(now):  # as text, NaN is NaN
        yield path, saved, now


def _bound(settings: Any, free: set[str]) -> Any:
    """Returns the settings of a section without those that may differ."""
    if not isinstance(settings, Mapping):
        return settings
    return {name: value for name, value in settings.items() if name not in free}


def told(path: str, saved: Any, now: Any) -> str:
    """Returns a difference in words.

    Example:
        >>> told(".by.c", 1, 2)
        '`by.c` was 1 and is now 2'
    """
    return f"`{path.lstrip('.')}` was {_short(saved)} and is now {_short(now)}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and isinstance(value.get("class"), str):
        return str(value["class"])
    return textwrap.shorten(str(value), WIDTH, placeholder=" ...")


def _epochs(about: Mapping[str, Any]) -> Any:
    return about.get("options", {}).get("epochs")


def _rates(about: Mapping[str, Any]) -> Any:
    return about.get("options", {}).get("scheduler")
