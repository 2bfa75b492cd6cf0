"""The nouns that cross the floors: batches, features, outputs, errors, names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.core.batch import Batch, Part
    from plait.core.features import Features, FeatureShape
    from plait.core.outputs import Losses, Outputs, Penalties, TaskFeatures, Term
    from plait.core.structure import Masked, PerTask
    from plait.core.watched import Watched

__all__ = [
    "Batch",
    "FeatureShape",
    "Features",
    "Losses",
    "Masked",
    "Outputs",
    "Part",
    "Penalties",
    "PerTask",
    "TaskFeatures",
    "Term",
    "Watched",
]

lazy(__name__)
