"""Successive halving over candidates: the worse half ends early."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from plait.core.errors import PlaitError
from plait.core.extras import need
from plait.experiments.advise.candidates import Reasoned
from plait.experiments.advise.scores import epoch_scores
from plait.experiments.comparison.plan import joint
from plait.experiments.comparison.runner import Runner
from plait.experiments.config import RunConfig
from plait.experiments.jobs.once import once
from plait.experiments.search.pruning import Pruned, Pruning
from plait.runs.advice import Candidate
from plait.runs.comparison_member import ALL

FACTOR = 2
FIRST = 1 / 3  # of the epochs; networks that share less begin slower


def halve(reasoned: Sequence[Reasoned], config: RunConfig, runner: Runner) -> list[Candidate]:
    """Trains candidates from the first seed, and drops those that are behind at their epochs.

    Optuna's successive halving (asynchronous) says which: after a third of the epochs, and after
    two thirds, a candidate goes on if it is in the better half of those that have come so far. The
    test split is left alone. What was trained before is not repeated: Optuna is told its scores
    again, so that it decides as it did.

    Args:
        reasoned: the candidates.
        config: the settings, with the epochs of the plan.
        runner: of the comparison.

    Reference: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar, "A System for
        Massively Parallel Hyperparameter Tuning", MLSys 2020.
    """
    optuna = need("optuna", extra="app", purpose="Successive halving")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.SuccessiveHalvingPruner(
        min_resource=max(1, round(config.epochs * FIRST)), reduction_factor=FACTOR
    )
    study = optuna.create_study(direction="maximize", pruner=pruner)
    return [_tried(study, each, config, runner) for each in reasoned]


def _tried(study: Any, reasoned: Reasoned, config: RunConfig, runner: Runner) -> Candidate:
    from optuna.trial import TrialState

    member, trial = reasoned.member, study.ask()
    about: dict[str, Any] = {
        "name": member.name,
        "title": member.title,
        "reason": reasoned.reason,
        "settings": dict(member.settings),
    }
    decided: dict[int, bool] = {}

    def behind(epoch: int, score: float) -> bool:
        """Tells Optuna the score of an epoch, once, and returns whether it is to be the last."""
        if epoch not in decided:
            trial.report(score, epoch)
            decided[epoch] = bool(trial.should_prune())
        return decided[epoch]

    spec = runner.spec(joint(config, member), ALL, runner.seeds[0], test=False)
    for epoch, score in epoch_scores(spec.folder).items():
        behind(epoch, score)
    shown = runner.callbacks(f"trying {member.title}")
    try:
        result = once(spec, [*shown, Pruning(behind)], problem=runner.problem)
    except Pruned as error:
        study.tell(trial, state=TrialState.PRUNED)
        outcome = f"dropped after {error.epoch} {'epoch' if error.epoch == 1 else 'epochs'}"
        return Candidate(**about, epochs=error.epoch, score=math.nan, outcome=outcome)
    except PlaitError as error:
        study.tell(trial, state=TrialState.FAIL)
        return Candidate(**about, epochs=0, score=math.nan, outcome=f"failed: {error}")
    study.tell(trial, result.score)
    epochs = spec.config.epochs
    return Candidate(**about, epochs=epochs, score=result.score, outcome="tried in full")
