"""The tiny problem, opened, with some settings."""

from typing import Any

from plait.experiments import Problem, RunConfig, open_problem, validate, with_defaults
from tests.experiments.tiny import TINY


def opened(**settings: Any) -> tuple[RunConfig, Problem]:
    """Returns the settings of a run on the tiny problem, and the problem."""
    config = validate(with_defaults({"recipe": TINY, **settings}))
    return config, open_problem(config)
