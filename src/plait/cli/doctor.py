"""``plait doctor``: can this machine train, in several processes too, and how would a run go?"""

from __future__ import annotations

import json as to_json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from plait.cli.arguments import Data, Json, Problem, Settings
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, named_problem


def doctor(
    problem: Problem = None,
    settings: Settings = None,
    data: Data = None,
    pair: Annotated[Path | None, typer.Option("--pair", hidden=True)] = None,
    json: Json = False,
) -> None:
    """Look at this machine, try two processes, and say how a run would be trained.

    It starts two processes that add numbers up; exit code 1 if they cannot. With a file of settings
    or a recipe, it takes one step of that run, as `plait explain` does.

    Examples: plait doctor | plait doctor config.yaml
    """
    if pair is not None:
        from plait.distributed.pair import take_part

        take_part(pair)
        return
    named = problem is not None or bool(settings)
    read = named_problem(problem, settings or [], data) if named else None
    announce("starting two processes")
    load_torchmetrics()

    from plait.cli import show_machine
    from plait.distributed.pair import try_pair
    from plait.experiments.machine import examine

    machine, found = examine(), try_pair()
    explained = None
    if read is not None:
        from plait.experiments import validate, with_defaults
        from plait.experiments.explanation import explain

        announce("preparing the data")
        explained = explain(validate(with_defaults(read)))
    if json:
        given = {**asdict(machine), "pair": found._asdict()}
        if explained is not None:
            given["run"] = asdict(explained)
        print(to_json.dumps(given, indent=2))
    else:
        for line in show_machine.lines(machine, found, explained):
            print(line)
    if found.fault:
        raise typer.Exit(1)
