"""The front door in Python: tables in, a trained run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.api.fit import fit
    from plait.api.run import Report, Run, load

__all__ = ["Report", "Run", "fit", "load"]

lazy(__name__)
