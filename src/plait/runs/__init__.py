"""The files of a run, declared once: training and experiments write them, reports read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.runs.comparison import Change, Comparison, MetricInfo, MetricRow
    from plait.runs.comparison_member import MemberResult, Network
    from plait.runs.diagnosis import Diagnosis
    from plait.runs.events import (
        Coverage,
        Ended,
        FinalTest,
        FirstStepsSeen,
        Numbers,
        Step,
        Tasks,
        Validation,
        Warned,
        WatchedValues,
    )
    from plait.runs.folder import check_free, check_sources, free_folder, is_run
    from plait.runs.log import EventLog
    from plait.runs.logged import steps_of
    from plait.runs.mixture import MixturePlan, MixtureSeen, SourcePlan
    from plait.runs.result import RunResult, read_result
    from plait.runs.step_columns import StepColumns

__all__ = [
    "Change",
    "Comparison",
    "Coverage",
    "Diagnosis",
    "Ended",
    "EventLog",
    "FinalTest",
    "FirstStepsSeen",
    "MemberResult",
    "MetricInfo",
    "MetricRow",
    "MixturePlan",
    "MixtureSeen",
    "Network",
    "Numbers",
    "RunResult",
    "SourcePlan",
    "Step",
    "StepColumns",
    "Tasks",
    "Validation",
    "Warned",
    "WatchedValues",
    "check_free",
    "check_sources",
    "free_folder",
    "is_run",
    "read_result",
    "steps_of",
]

lazy(__name__)
