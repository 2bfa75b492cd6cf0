"""Time and memory of a training step with each balancer, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.forecast.forecast import all_balancers, forecast
    from plait.experiments.forecast.peak import peak_bytes
    from plait.experiments.forecast.trial import StepSettings, Trial

__all__ = ["StepSettings", "Trial", "all_balancers", "forecast", "peak_bytes"]

lazy(__name__)
