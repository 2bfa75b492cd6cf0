"""The data of a run, opened and read before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plait.cli.bar import reading
from plait.cli.settings import announce

if TYPE_CHECKING:
    from plait.experiments import Problem, RunConfig


def prepared(settings: Mapping[str, Any]) -> tuple[RunConfig, Problem]:
    """Returns the whole settings of a run, and its problem, whose data were read under a bar.

    Args:
        settings: of a command, to be laid on the defaults of their recipe.
    """
    from plait.experiments import open_problem, validate, with_defaults

    announce("preparing the data")
    config = validate(with_defaults(settings))
    with reading("the data") as progress:
        opened = open_problem(config, progress=progress)
        opened.splits(opened.tasks(config.tasks))
    return config, opened
