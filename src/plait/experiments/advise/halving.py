"""Successive halving over candidates: the worse half ends early."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plait.core.errors import PlaitError
from plait.core.extras import need
from plait.core.files import write_json
from plait.experiments.advise.candidates import Reasoned
from plait.experiments.advise.scores import epoch_scores
from plait.experiments.comparison.plan import joint
from plait.experiments.comparison.runner import Runner
from plait.experiments.config import RunConfig
from plait.experiments.jobs import RunSpec
from plait.experiments.jobs.once import once
from plait.experiments.search.pruning import Pruned, Pruning
from plait.runs.advice import Candidate
from plait.runs.comparison_member import ALL

DROPPED = "dropped.json"  # {member: the epoch after which it was dropped}
FACTOR = 2
FIRST = 1 / 3  # of the epochs; networks that share less begin slower


def halve(
    reasoned: Sequence[Reasoned], config: RunConfig, runner: Runner, *, known: Path
) -> list[Candidate]:
    """Trains candidates from the first seed, and drops those that are behind at their epochs.

    Optuna's successive halving (asynchronous) says which: after a third of the epochs, and after
    two thirds, a candidate goes on if it is in the better half of those that have come so far. The
    test split is left alone. What was done before is not repeated.

    Args:
        reasoned: the candidates.
        config: the settings, with the epochs of the plan.
        runner: of the comparison.
        known: run folder of the plain joint network, whose scores count too.

    Reference: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar, "A System for
        Massively Parallel Hyperparameter Tuning", MLSys 2020.
    """
    optuna = need("optuna", extra="app", purpose="Successive halving")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.SuccessiveHalvingPruner(
        min_resource=max(1, round(config.epochs * FIRST)), reduction_factor=FACTOR
    )
    study = optuna.create_study(direction="maximize", pruner=pruner)
    _told(study, known)
    return [_tried(study, each, config, runner) for each in reasoned]


def _tried(study: Any, reasoned: Reasoned, config: RunConfig, runner: Runner) -> Candidate:
    member = reasoned.member
    folder = runner.places[runner.seeds[0]] / member.name
    dropped = _read(runner.folder).get(member.name)
    about: dict[str, Any] = {
        "name": member.name,
        "title": member.title,
        "reason": reasoned.reason,
        "settings": dict(member.settings),
    }
    if dropped is not None:
        _told(study, folder)
        return Candidate(**about, epochs=dropped, score=math.nan, outcome=_after(dropped))
    trial = study.ask()

    def report(epoch: int, score: float) -> bool:
        trial.report(score, epoch)
        return bool(trial.should_prune())

    own = joint(config, member).networks[ALL].model_copy(update={"seed": runner.seeds[0]})
    spec = RunSpec(own, folder, problem=runner.config, test=False)
    shown = runner.callbacks(f"trying {member.title}")
    try:
        result = once(spec, [*shown, Pruning(report)], problem=runner.problem)
    except Pruned as error:
        study.tell(trial, state=_state("PRUNED"))
        write_json(runner.folder / DROPPED, {**_read(runner.folder), member.name: error.epoch})
        return Candidate(**about, epochs=error.epoch, score=math.nan, outcome=_after(error.epoch))
    except PlaitError as error:
        study.tell(trial, state=_state("FAIL"))
        return Candidate(**about, epochs=0, score=math.nan, outcome=f"failed: {error}")
    study.tell(trial, result.score)
    return Candidate(**about, epochs=own.epochs, score=result.score, outcome="tried in full")


def _told(study: Any, folder: Path) -> None:
    """Tells the study the scores of a run that is done, from its log."""
    import optuna

    scores = epoch_scores(folder)
    if scores:
        study.add_trial(
            optuna.trial.create_trial(value=max(scores.values()), intermediate_values=scores)
        )


def _state(name: str) -> Any:
    import optuna

    return optuna.trial.TrialState[name]


def _read(folder: Path) -> dict[str, int]:
    path = folder / DROPPED
    return json.loads(path.read_text()) if path.is_file() else {}


def _after(epoch: int) -> str:
    return f"dropped after {epoch} {'epoch' if epoch == 1 else 'epochs'}"
