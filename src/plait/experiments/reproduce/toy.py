"""Descents by every method from every start: is their end on the Pareto front?"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from plait.balancing import Balancer
from plait.core.errors import ConfigError, PlaitError, RunExistsError
from plait.core.extras import need
from plait.core.files import write_text
from plait.core.typed_json import read_typed, write_typed
from plait.experiments.reproduce.descent import LR, TOLERANCE, descend, is_raised
from plait.experiments.reproduce.methods import balancing_methods
from plait.experiments.reproduce.two_losses import STARTS, front
from plait.runs.descents import Descents, MethodDescents
from plait.runs.folder import DESCENTS, make_folder

NAME = "toy"
TITLE = "Two losses of two parameters: who reaches the Pareto front?"
SOURCES = (
    "Liu, Liu, Jin, Stone, Liu, Conflict-Averse Gradient Descent for Multi-task Learning, "
    "NeurIPS 2021, figure 1: the losses",
    "Navon, Shamsian, Achituve, Maron, Kawaguchi, Chechik, Fetaya, Multi-Task Learning as a "
    "Bargaining Game, ICML 2022: the five starts, and a first loss a tenth as large",
)
STEPS = 50_000
SCALE = 0.1
_METHODS = "methods"
_POINTS = 141  # of the front, in the file
Say = Callable[[str], None]


def toy(
    folder: Path,
    *,
    methods: Mapping[str, Balancer | str] | None = None,
    starts: Sequence[Sequence[float]] = STARTS,
    scale: float = SCALE,
    steps: int = STEPS,
    jobs: int = 1,
    say: Say = lambda text: None,
) -> Descents:
    """Descends from each start with each method, and writes `descents.json`.

    Methods that are done, in a folder of an earlier call, are not tried again.

    Args:
        folder: for the results.
        methods: `{name: method, or why there is none}`; by default all of plait.
        starts: the points to begin at.
        scale: of the first loss; 0.1 as with Nash-MTL, 1 as with CAGrad.
        steps: the most that a descent may take.
        jobs: how many methods are tried at once.
        say: is told of each method.

    Raises:
        ConfigError: `steps` or `scale` outside its range.
        RunExistsError: the folder holds results of other settings; nothing in it was touched.
    """
    if not isinstance(steps, int) or steps < 1:
        raise ConfigError(f"`steps` must be a whole number, at least 1; found {steps!r}.")
    if not isinstance(scale, int | float) or not 0 < scale < math.inf:
        raise ConfigError(f"`scale` must be a positive number; found {scale!r}.")
    make_folder(folder)
    joblib = need("joblib", extra="app", purpose="Trying methods")
    settings = f"scale {scale:g}, {steps} steps, starts {[list(start) for start in starts]}\n"
    _check_settings(folder, settings)
    wanted = balancing_methods() if methods is None else methods
    calls = [
        joblib.delayed(_tried)(folder, name, method, starts, scale, steps)
        for name, method in wanted.items()
    ]
    found = []
    pool = joblib.Parallel(n_jobs=min(jobs, len(calls)), return_as="generator")
    for method in pool(calls):
        found.append(method)
        say(_told(method, len(starts)))
    descents = Descents(
        title=TITLE,
        note=(
            f"Adam, learning rate {LR:g}, at most {steps:,} steps, fewer where a descent stands "
            f"still; the first loss times {scale:g}. Methods have their defaults. On the front is "
            f"what is within {TOLERANCE:g} of it in the plane of the parameters."
        ),
        sources=list(SOURCES),
        scale=scale,
        steps=steps,
        tolerance=TOLERANCE,
        front=front(_POINTS).tolist(),
        methods=found,
    )
    write_typed(folder / DESCENTS, descents)
    return descents


def _check_settings(folder: Path, settings: str) -> None:
    path = folder / "settings.txt"
    if path.exists() and path.read_text(encoding="utf-8") != settings:
        raise RunExistsError(
            f"{folder} holds results of other settings; nothing in it was touched. Name another "
            "folder with --out."
        )
    write_text(path, settings)


def _tried(
    folder: Path,
    name: str,
    method: Balancer | str,
    starts: Sequence[Sequence[float]],
    scale: float,
    steps: int,
) -> MethodDescents:
    """Returns the descents of a method, those of an earlier call if there are some."""
    path = folder / _METHODS / f"{name}.json"
    if path.exists():
        return read_typed(MethodDescents, path, hint="Remove it, and run the command again.")
    if isinstance(method, str):
        return MethodDescents(name=name, refused=method)
    began = time.perf_counter()
    try:
        descents = [descend(method, start, scale=scale, steps=steps) for start in starts]
    except PlaitError as error:
        return MethodDescents(name=name, refused=str(error))
    found = MethodDescents(
        name=name,
        descents=descents,
        raised=is_raised(method),
        seconds=round(time.perf_counter() - began, 1),
    )
    write_typed(path, found)
    return found


def _told(method: MethodDescents, starts: int) -> str:
    if method.refused:
        return f"{method.name} {method.refused}"
    reached = method.reaching(TOLERANCE)
    return f"{method.name}: {reached} of {starts} on the front, {method.seconds:.0f} s"
