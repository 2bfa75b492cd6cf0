"""Runs that take a moment, and what has to be equal between two of them."""

import json
from pathlib import Path
from typing import Any

from plait.experiments.build.names import with_defaults
from plait.experiments.config import RunConfig, validate
from plait.experiments.jobs import RunSpec
from tests.experiments.tiny import TINY

MEASURED = ("seconds", "step_seconds", "memory", "tested")  # of result.json


def config_of(**settings: Any) -> RunConfig:
    return validate(with_defaults({"recipe": TINY, **settings}))


def specs_in(folder: Path, count: int = 2, **settings: Any) -> list[RunSpec]:
    return [
        RunSpec(config_of(**{"seed": seed, **settings}), folder / f"seed-{seed}")
        for seed in range(count)
    ]


def numbers_in(folder: Path) -> dict[str, Any]:
    """What result.json says without times and memory; the weights are in `score` and `test`."""
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return {name: value for name, value in found.items() if name not in MEASURED}


def stamp(folder: Path) -> tuple[int, int]:
    """Tells a result that was written once from one that was written again."""
    status = (folder / "result.json").stat()
    return status.st_ino, status.st_mtime_ns
