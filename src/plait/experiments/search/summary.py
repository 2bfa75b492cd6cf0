"""The record of a study: its trials, the best of them, and the settings that decide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from plait.core.extras import need
from plait.experiments.search.journal import PURPOSE, quiet
from plait.experiments.search.proposals import START
from plait.experiments.search.study import (
    NEVER_PRUNED,
    REASON,
    SECONDS,
    UNTUNED,
    Study,
    warm_up,
)
from plait.runs.result import read_result
from plait.runs.tuning import FinalRun, State, TunedTrial, Tuning

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

FEW = 10  # trained trials, of which nothing is said about what decides
STATES: dict[str, State] = {"COMPLETE": "trained", "PRUNED": "pruned", "FAIL": "failed"}


def summary(
    study: Study, *, title: str, wanted: int, prune: bool, finals: Sequence[FinalRun] = ()
) -> Tuning:
    """Returns the record of a study so far.

    Args:
        study: the study.
        title: of its report.
        wanted: how many trials were asked for.
        prune: whether trials may end early.
        finals: the runs that have read the test split.
    """
    trials = [_trial(study, each) for each in study.trials]
    front = _front(study, trials)
    best = max(front, key=lambda number: _score(study, number), default=-1)
    return Tuning(
        title=title,
        objective=list(study.objective.names),
        higher_is_better=list(study.objective.higher_is_better),
        space=study.space.described(),
        how=how(study, prune=prune),
        seed=study.seed,
        wanted=wanted,
        trials=trials,
        best=best,
        front=front if study.objective.several else [],
        importance=_importance(study),
        finals=list(finals),
        note=[
            *_fewer(trials, wanted),
            *_notes(trials, best, finals, several=study.objective.several),
        ],
    )


def how(study: Study, *, prune: bool) -> list[str]:
    """Tells in sentences how settings are drawn, and when a trial ends early."""
    drawn = (
        f"Trial 0 has the settings as they are; {START - 1} more are spread evenly over the space "
        "(Sobol), and all others follow from the scores (TPE)."
    )
    if study.objective.several:
        return [drawn, "No trial ends early: with several objectives there is no one to be worst."]
    if not prune:
        return [drawn, "No trial ends early."]
    epochs = warm_up(study.config)
    return [
        drawn,
        f"Once {NEVER_PRUNED} trials are trained, others end early, after epoch {epochs} at the "
        "soonest, if their best score is below the median of the trained ones at that epoch.",
    ]


def _trial(study: Study, trial: FrozenTrial) -> TunedTrial:
    """Returns one trial of the record."""
    folder = study.folder_of(trial.number)
    state = STATES.get(trial.state.name, "running")
    result = read_result(folder) if state == "trained" else None
    known = {each.key: each for each in study.space.dimensions}
    objectives = len(study.objective.names)  # of a pruned trial, Optuna has its last score
    return TunedTrial(
        number=trial.number,
        state=state,
        values=list(trial.values) if state == "trained" else [math.nan] * objectives,
        settings={
            key: label if isinstance(label, str) else known[key].value(label)
            for key, label in trial.params.items()
        },
        untuned=bool(trial.user_attrs.get(UNTUNED)),
        scores=dict(sorted(trial.intermediate_values.items())),
        validation={} if result is None else result.validation,
        seconds=trial.user_attrs.get(SECONDS, math.nan),
        folder=str(folder.relative_to(study.folder)),
        reason=trial.user_attrs.get(REASON, ""),
    )


def _front(study: Study, trials: Sequence[TunedTrial]) -> list[int]:
    """Returns the numbers of the trained trials that no other beats in every objective."""
    signs = [1.0 if higher else -1.0 for higher in study.objective.higher_is_better]
    points = {
        each.number: [sign * value for sign, value in zip(signs, each.values, strict=True)]
        for each in trials
        if each.state == "trained"
    }

    def beaten(point: list[float]) -> bool:
        return any(
            other != point and all(o >= p for o, p in zip(other, point, strict=True))
            for other in points.values()
        )

    return [number for number, point in points.items() if not beaten(point)]


def _score(study: Study, number: int) -> float:
    result = read_result(study.folder_of(number))
    return -math.inf if result is None or math.isnan(result.score) else result.score


def _importance(study: Study) -> dict[str, float]:
    """Returns the share of each setting in whether a trial is among the best tenth.

    By PED-ANOVA, over the trained trials; of one objective alone.

    Reference: S. Watanabe, A. Bansal and F. Hutter, "PED-ANOVA: Efficiently Quantifying
    Hyperparameter Importance in Arbitrary Subspaces", IJCAI 2023.
    """
    optuna = need("optuna", extra="app", purpose=PURPOSE)
    trained = [each for each in study.trials if each.state.name == "COMPLETE" and each.params]
    if study.objective.several or len(trained) < FEW:
        return {}
    if len({each.value for each in trained}) == 1:
        return {}
    with quiet():
        alone = optuna.create_study(directions=study.objective.directions)
        alone.add_trials(trained)
        found = optuna.importance.get_param_importances(
            alone, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
    return {key: float(share) for key, share in found.items()}


def _fewer(trials: Sequence[TunedTrial], wanted: int) -> list[str]:
    """Tells that a space had settings for fewer trials than were asked for."""
    if len(trials) >= wanted:
        return []
    return [
        f"{len(trials)} trials were made, and not {wanted}: the space has no other settings that a "
        "run can have."
    ]


def _notes(
    trials: Sequence[TunedTrial], best: int, finals: Sequence[FinalRun], *, several: bool
) -> list[str]:
    """Returns sentences on failures, on a search that has found nothing, and on the test."""
    notes = []
    trained = [each for each in trials if each.state == "trained"]
    failed = [each for each in trials if each.state == "failed"]
    if failed:
        notes.append(
            f"{len(failed)} of {len(trials)} trials failed; trial {failed[0].number}: "
            f"{failed[0].reason.rstrip('.')}."
        )
    if not trained:
        notes.append("No trial was trained to its end, so nothing was chosen.")
        return notes
    if len(trained) > 1 and all(each.values == trained[0].values for each in trained):
        notes.append(
            f"All {len(trained)} trained trials have the same score: what was searched has no "
            "effect on it."
        )
    elif not several and any(each.untuned and each.number == best for each in trained):
        notes.append("No trial is better than the settings as they were.")
    notes.append(_read(finals))
    return notes


def _read(finals: Sequence[FinalRun]) -> str:
    """Tells how often the test split was read."""
    if not finals:
        return "The choice was made on the validation split; the test split was not read."
    chosen = list(dict.fromkeys(each.trial for each in finals))
    last = [each for each in finals if each.trial == chosen[-1]]
    times = "once" if len(last) == 1 else f"once by each of {len(last)} seeds"
    said = (
        f"The choice among {last[0].after} trials was made on the validation split; the test split "
        f"was read {times}, after it."
    )
    if len(chosen) > 1:
        said += (
            f" It was read before for trial {', '.join(map(str, chosen[:-1]))}, the best until the "
            "search went on; the later choice has not looked at that."
        )
    return said
