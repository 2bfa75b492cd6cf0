"""A configuration file becomes objects, and objects become runs and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.build import (
        Problem,
        build_job,
        open_problem,
        recipe_class,
        with_defaults,
    )
    from plait.experiments.catalogue import catalogue
    from plait.experiments.comparison.compare import compare
    from plait.experiments.comparison.member import FAMILIES, JOINT, Member
    from plait.experiments.config import RunConfig, validate
    from plait.experiments.diagnosis import diagnose, diagnose_config, diagnose_run
    from plait.experiments.explanation import explain
    from plait.experiments.overrides import merge, parse, read_yaml
    from plait.experiments.run import resume_run, run

__all__ = [
    "FAMILIES",
    "JOINT",
    "Member",
    "Problem",
    "RunConfig",
    "build_job",
    "catalogue",
    "compare",
    "diagnose",
    "diagnose_config",
    "diagnose_run",
    "explain",
    "merge",
    "open_problem",
    "parse",
    "read_yaml",
    "recipe_class",
    "resume_run",
    "run",
    "validate",
    "with_defaults",
]

lazy(__name__)
