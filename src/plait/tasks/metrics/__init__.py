"""Metrics by the names that settings give them: plait's own, and all of torchmetrics' for tasks.

`plait.tasks.metrics.BinaryCalibrationError` is that of `torchmetrics.classification`.
"""

from typing import Any

from torchmetrics import classification, regression

from plait.tasks.metrics.concordance_index import ConcordanceIndex
from plait.tasks.metrics.entity_f1 import EntityF1
from plait.tasks.metrics.mean_distance import MeanDistance

__all__ = ["ConcordanceIndex", "EntityF1", "MeanDistance"]
__all__ += [*classification.__all__, *regression.__all__]


def __getattr__(name: str) -> Any:
    for library in (classification, regression):
        if name in library.__all__:
            return getattr(library, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
