"""``plait explain``: which parameters are shared by which tasks, and how a step goes."""

from __future__ import annotations

from typing import Annotated

import typer

from plait.cli.arguments import Data, Json, Problem, Settings
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, named_problem


def explain(
    problem: Problem = None,
    settings: Settings = None,
    data: Data = None,
    depth: Annotated[
        int, typer.Option("--depth", min=1, help="Names in a module's path to tell apart at least.")
    ] = 2,
    json: Json = False,
) -> None:
    """Print which parameters are shared by which tasks, what ties them, and how a step goes.

    It runs a batch and asks autograd what the loss of each task reaches; nothing is trained or
    written.

    Examples: plait explain config.yaml | plait explain digits sharing=MMoE --depth 3
    """
    read = named_problem(problem, settings or [], data)
    announce("preparing the data")
    load_torchmetrics()

    from plait.cli import explanation
    from plait.experiments import validate, with_defaults
    from plait.experiments.explanation import explain as explained

    explanation.show(explained(validate(with_defaults(read)), depth=depth), as_json=json)
