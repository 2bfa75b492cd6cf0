"""A quicker start: torchmetrics without what it imports for others, and nothing collected."""

from __future__ import annotations

import gc
import importlib
import sys
from types import ModuleType
from typing import Any

# torchmetrics imports scipy.signal, which takes most of its own time, for one purpose: to give it
# a function that another package misses (`torchmetrics/__init__.py`, read in version 1.9.0).
PATCHED, FUNCTION = "scipy.signal", "hamming"


class StandIn(ModuleType):
    """Has the function that torchmetrics looks for; for all else it makes way for the real one."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of every module
            raise AttributeError(name)
        if sys.modules.get(PATCHED) is self:
            del sys.modules[PATCHED]
        return getattr(importlib.import_module(PATCHED), name)


def load_torchmetrics() -> None:
    """Imports torchmetrics while it finds a stand-in that needs no patch; read in version 1.9.0.

    Whoever imports `scipy.signal` afterwards gets the real one, as scipy made it. What torch and
    torchmetrics make while they load stays; Python does not look for garbage in it, which takes an
    eighth of the time, then or later.
    """
    if PATCHED in sys.modules:
        return
    stand_in = StandIn(PATCHED)
    setattr(stand_in, FUNCTION, None)
    sys.modules[PATCHED] = stand_in
    gc.disable()
    try:
        importlib.import_module("torchmetrics")
    finally:
        gc.freeze()
        gc.enable()
        if sys.modules.get(PATCHED) is stand_in:
            del sys.modules[PATCHED]
