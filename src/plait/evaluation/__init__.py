"""Metrics of a model, and measures of the gain from joint training; nothing here trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy
from plait.runs.events import Scores

if TYPE_CHECKING:
    from plait.evaluation.delta import changes, delta_m, delta_m_resampled, relative_change
    from plait.evaluation.evaluate import evaluate
    from plait.evaluation.evaluator import Evaluation
    from plait.evaluation.holm import holm
    from plait.evaluation.hypervolume import Hypervolume, hypervolume
    from plait.evaluation.improvability import improvability
    from plait.evaluation.intervals import Interval, interval, verdicts
    from plait.evaluation.mean_rank import mean_rank, ranks
    from plait.evaluation.pareto import pareto_front
    from plait.evaluation.predictions import evaluate_predictions
    from plait.evaluation.resampled import Resampler
    from plait.evaluation.rules import Rule, rule, skill
    from plait.evaluation.units import units_of

__all__ = [
    "Evaluation",
    "Hypervolume",
    "Interval",
    "Resampler",
    "Rule",
    "Scores",
    "changes",
    "delta_m",
    "delta_m_resampled",
    "evaluate",
    "evaluate_predictions",
    "holm",
    "hypervolume",
    "improvability",
    "interval",
    "mean_rank",
    "pareto_front",
    "ranks",
    "relative_change",
    "rule",
    "skill",
    "units_of",
    "verdicts",
]

lazy(__name__)
