"""The words that choose what a comparison has; read by the command line before torch is loaded."""

from __future__ import annotations

from typing import Literal, get_args

Budget = Literal["epochs", "time"]
Rows = Literal["same-size", "tuned-weights", "late-weights", "merged", "classical"]
EVERY_ROW: tuple[Rows, ...] = get_args(Rows)
