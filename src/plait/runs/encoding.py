"""An event as a line of JSON; the rows of a step in no more than two passes over their numbers."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, fields

from plait.core.many import MANY
from plait.runs.events import KINDS, Event, Row, Step

ROWS = ("losses", "weights", "norms", "cosines", "shares")

# Worked out once, and `vars` in place of `asdict`: a line is written in every step.
_encoder = json.JSONEncoder(default=vars)
_ALWAYS = {
    kind: {
        each.name
        for each in fields(kind)
        if each.default is MISSING and each.default_factory is MISSING
    }
    for kind in KINDS
}


def encode(event: Event) -> str:
    """Returns an event as one line of JSON, without what is None or empty by default.

    Example:
        >>> from plait.runs.events import Warned
        >>> encode(Warned(step=7, text="the gate has collapsed"))
        '{"event": "warning", "step": 7, "text": "the gate has collapsed"}'
    """
    always = _ALWAYS[type(event)]
    kept = {k: v for k, v in vars(event).items() if k in always or v or v == 0}
    if not isinstance(event, Step):
        return _encoder.encode(kept)
    few = len(event.losses) <= MANY  # else six digits; a float32 has seven
    rows = {name: _row(kept.pop(name), few) for name in ROWS if name in kept}
    written = "".join(f', "{name}": {row}' for name, row in rows.items())
    return f"{_encoder.encode(kept)[:-1]}{written}}}"


def _row(values: Row | float, few: bool) -> str:
    """Returns the numbers of a step's tasks as JSON, with null for None and NaN.

    Args:
        values: a number for each task, or one for all of them.
        few: whether the numbers are written with all their digits.
    """
    if not isinstance(values, list):
        return _encoder.encode(values)
    numbers = [math.nan if each is None else each for each in values]
    if few:
        text = ", ".join([repr(float(each)) for each in numbers])
    else:
        text = ("%.6g, " * len(numbers) % tuple(numbers))[:-2]
    if "n" in text:  # nan and inf, which have other names in JSON
        text = text.replace("nan", "null").replace("inf", "Infinity")
    return f"[{text}]"
