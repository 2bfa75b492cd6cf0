"""plait trains one network for several tasks, and says honestly whether it helped.

All but `backward` load on first use, so that ``import plait`` needs torch and numpy alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# At once, not lazily: else the sub-module of this name would hide the function.
from plait.engine import Backward, backward

if TYPE_CHECKING:
    from plait.core.batch import Batch
    from plait.core.structure import Masked, PerTask
    from plait.model import MultiTaskModel
    from plait.training import Trainer, parameter_groups

__version__ = "0.1.0"

_HOME = {
    "Batch": "plait.core",
    "Masked": "plait.core",
    "MultiTaskModel": "plait.model",
    "PerTask": "plait.core",
    "Trainer": "plait.training",
    "parameter_groups": "plait.training",
}

__all__ = [
    "Backward",
    "Batch",
    "Masked",
    "MultiTaskModel",
    "PerTask",
    "Trainer",
    "backward",
    "parameter_groups",
]


def __getattr__(name: str) -> Any:
    """Loads a public name, or a sub-package, when it is first asked for."""
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"plait.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"plait.{name}":
                raise
    raise AttributeError(f"module 'plait' has no attribute {name!r}")
