"""The files of a run, declared once: training and experiments write them, reports read them."""

from plait.runs.comparison import Comparison, MemberResult, MetricRow, SingleResult
from plait.runs.diagnosis import Diagnosis
from plait.runs.events import (
    Coverage,
    Ended,
    FinalTest,
    FirstStepsSeen,
    Numbers,
    Step,
    Validation,
    Warned,
    WatchedValues,
)
from plait.runs.folder import check_free, check_sources, free_folder, is_run
from plait.runs.log import EventLog
from plait.runs.mixture import MixturePlan, MixtureSeen, SourcePlan

__all__ = [
    "Comparison",
    "Coverage",
    "Diagnosis",
    "Ended",
    "EventLog",
    "FinalTest",
    "FirstStepsSeen",
    "MemberResult",
    "MetricRow",
    "MixturePlan",
    "MixtureSeen",
    "Numbers",
    "SingleResult",
    "SourcePlan",
    "Step",
    "Validation",
    "Warned",
    "WatchedValues",
    "check_free",
    "check_sources",
    "free_folder",
    "is_run",
]
