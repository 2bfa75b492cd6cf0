"""Metrics of a model, and measures of the gain from joint training; nothing here trains."""

from plait.evaluation.delta import changes, delta_m
from plait.evaluation.evaluate import Evaluation, evaluate
from plait.evaluation.rules import Rule, rule, skill
from plait.runs.events import Scores

__all__ = [
    "Evaluation",
    "Rule",
    "Scores",
    "changes",
    "delta_m",
    "evaluate",
    "rule",
    "skill",
]
