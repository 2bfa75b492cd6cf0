"""``plait list``: the methods, tasks and recipes that there are."""

from __future__ import annotations

from typing import Annotated

import typer

from plait.cli.arguments import Json


def list_methods(
    family: Annotated[str | None, typer.Argument(help="One family, such as balancing.")] = None,
    json: Json = False,
) -> None:
    """List methods, tasks and recipes by family."""
    from plait.cli import show
    from plait.experiments import catalogue

    show.catalogue(catalogue(family), as_json=json)
