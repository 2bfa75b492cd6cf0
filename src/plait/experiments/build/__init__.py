"""From a configuration to objects: the problem, the model, the optimizer, and the whole job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.build.job import Job, build_job
    from plait.experiments.build.names import recipe_class, with_defaults
    from plait.experiments.build.problem import Problem, open_problem

__all__ = [
    "Job",
    "Problem",
    "build_job",
    "open_problem",
    "recipe_class",
    "with_defaults",
]

lazy(__name__)
