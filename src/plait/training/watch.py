"""Tables of the model's parts in the log; a gate that collapses warns once."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

from plait.core.errors import PlaitWarning
from plait.core.watched import Watched
from plait.runs import EventLog, Numbers, Warned, WatchedValues
from plait.training.state import State

COLLAPSED = 0.99  # of a gate's weight on one expert, on average over a batch


def log_watched(log: EventLog, state: State, watched: Mapping[str, Watched]) -> None:
    """Writes one line of the numbers, and warns of each gate that has collapsed since the last one.

    Args:
        log: gets one `WatchedValues`, and a `Warned` for each gate.
        state: the position of the training; remembers which gates were warned of.
        watched: `{title: table}`; nothing is written if it is empty.
    """
    if not watched:
        return
    values = {title: _numbers(table) for title, table in watched.items()}
    log.write(WatchedValues(step=state.step, epoch=state.epoch, values=values))
    for gate, text in collapsed(watched).items():
        if gate not in state.warned:
            state.warned.append(gate)
            log.write(Warned(step=state.step, text=text))
            warnings.warn(f"step {state.step}: {text}", PlaitWarning, stacklevel=2)


def collapsed(watched: Mapping[str, Watched]) -> dict[str, str]:
    """Returns `{gate: warning}` of the gates that give almost all weight to one expert.

    A gate is a row of a table of shares, named "title/row". Empty if none has collapsed.
    """
    found: dict[str, str] = {}
    for title, table in watched.items():
        if not table.shares or len(table.columns) < 2:
            continue
        for row, values in table.rows.items():
            share, expert = values.max(dim=-1)
            if float(share) >= COLLAPSED:
                found[f"{title}/{row}"] = (
                    f"{title}: {row!r} gives {float(share):.1%} of its weight to "
                    f"{table.columns[int(expert)]!r} alone, so that the others learn nothing from "
                    "it. A lower learning rate, fewer experts or an entropy term may help."
                )
    return found


def _numbers(watched: Watched) -> Numbers:
    """Returns a table of numbers to five digits; None for one that is not finite."""
    return Numbers(shares=watched.shares, rows=_short(watched.plain()))


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(each) for key, each in value.items()}
    return float(f"{value:.5g}") if math.isfinite(value) else None
