"""``plait list``: the methods, tasks and recipes that there are, and the options of one."""

from __future__ import annotations

from typing import Annotated

import typer

from plait.cli.arguments import Json


def list_methods(
    family: Annotated[
        str | None, typer.Argument(help="A family, such as balancing, or a method: CAGrad.")
    ] = None,
    json: Json = False,
) -> None:
    """List methods, tasks and recipes by family; or one method with its options and paper."""
    from plait.cli import listing
    from plait.core.families import FAMILIES
    from plait.experiments.catalogue import catalogue, entry

    if family is None or family in FAMILIES:
        listing.catalogue(catalogue(family), as_json=json)
    else:
        listing.entry(entry(family), as_json=json)
