"""Studies and results that no training has made."""

import math
from pathlib import Path
from typing import Any

from plait.experiments.search.objective import Objective, ObjectiveName, objective
from plait.experiments.search.space import Space
from plait.experiments.search.study import Claim, Study
from plait.experiments.search.words import read_space
from plait.runs.events import FinalTest
from plait.runs.result import RunResult, write_result
from tests.experiments.search.opened import opened

SKILL = Objective(("skill",), (True,))


def result(score: float = 0.5, **more: Any) -> RunResult:
    """A finished run that has not read the test split."""
    given: dict[str, Any] = {
        "seed": 0,
        "best_epoch": 1,
        "score": score,
        "validation": {},
        "test": FinalTest(losses={}, metrics={}, trivial={}, counts={}),
        "tested": "",
        "steps": 1,
        "seconds": 2.0,
        "step_seconds": math.nan,
        "parameters": 1,
        "size": 4,
    }
    return RunResult(**{**given, **more})


def study(
    folder: Path, *words: str, wanted: ObjectiveName = "rule", seed: int = 0, **settings: Any
) -> Study:
    """A study of the tiny problem over some words; that a run can have the settings is taken."""
    config, problem = opened(**settings)
    space: Space = read_space(words or ("optimizer.lr",), config, problem)
    looked_for = objective(wanted, config.rule, problem.tasks(config.tasks))
    return Study(folder, config, space, looked_for, seed, lambda config: "")


def complete(own: Study, claim: Claim, score: float, **more: Any) -> None:
    """Writes a trial's result where its run would have written it, and into the study."""
    claim.folder.mkdir(parents=True, exist_ok=True)
    write_result(claim.folder, result(score, **more))
    own.complete(claim, result(score, **more))


def do(own: Study, *scores: float, limit: int = 100) -> list[dict[str, Any]]:
    """Claims and completes a trial for each score; returns their settings of the optimizer."""
    found = []
    for score in scores:
        with own.claimed(limit) as claim:
            assert claim is not None
            found.append(dict(claim.config.optimizer.options))
            complete(own, claim, score)
    return found
