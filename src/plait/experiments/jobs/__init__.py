"""Many runs: on one machine or a cluster, each done once, whatever comes between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.jobs.finished import finished
    from plait.experiments.jobs.hold import hold
    from plait.experiments.jobs.spec import Failure, RunSpec
    from plait.experiments.jobs.train import train

__all__ = [
    "Failure",
    "RunSpec",
    "finished",
    "hold",
    "train",
]

lazy(__name__)
