"""A quicker start: torchmetrics without what it imports for others."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

# torchmetrics imports scipy.signal, which takes most of its own time, for one purpose: to give it
# a function that another package misses (see `torchmetrics/__init__.py`).
PATCHED, FUNCTION = "scipy.signal", "hamming"


def load_torchmetrics() -> None:
    """Imports torchmetrics while it finds a stand-in that needs no patch.

    Whoever imports `scipy.signal` afterwards gets the real one, as scipy made it.
    """
    if PATCHED in sys.modules:
        return
    stand_in = ModuleType(PATCHED)
    setattr(stand_in, FUNCTION, None)
    sys.modules[PATCHED] = stand_in
    try:
        importlib.import_module("torchmetrics")
    finally:
        del sys.modules[PATCHED]
