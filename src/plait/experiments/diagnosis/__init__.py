"""Diagnosis of a network of several tasks: conflict, shares, scales, affinity, groups, costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.diagnosis.diagnose import diagnose
    from plait.experiments.diagnosis.of_run import diagnose_config, diagnose_run

__all__ = ["diagnose", "diagnose_config", "diagnose_run"]

lazy(__name__)
