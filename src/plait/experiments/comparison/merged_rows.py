"""The single-task networks of each seed, merged: rows that need no training."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

from plait.experiments.baselines import MERGING, Merged, merged
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.comparison.member import Member
from plait.experiments.comparison.runner import Runner
from plait.experiments.comparison.trained import MemberRuns, Trained
from plait.experiments.config import RunConfig
from plait.runs.comparison_member import ALL
from plait.runs.folder import MODEL
from plait.runs.resamples import read_resamples, write_resamples
from plait.runs.result import RunResult, read_result, write_result
from plait.training.records import test_event


def merged_rows(config: RunConfig, runner: Runner, single: MemberRuns) -> list[MemberRuns]:
    """Merges the single-task networks of each seed in each way, those that are finished only once.

    Args:
        config: the settings of the joint network.
        runner: of the comparison.
        single: the single-task networks; a seed with one that has failed is not merged.
    """
    members = {
        name: Member(f"merged-{name}", way.title, way.formula, kind="merged")
        for name, way in MERGING.items()
    }
    found: dict[str, list[Trained]] = {name: [] for name in MERGING}
    for place, seed in enumerate(runner.seeds):
        for name, one in _of_seed(config, runner, single, place, seed).items():
            found[name].append(one)
    return [MemberRuns(member, {ALL: found[name]}) for name, member in members.items()]


def _of_seed(
    config: RunConfig, runner: Runner, single: MemberRuns, place: int, seed: int
) -> dict[str, Trained]:
    """Merges the networks of one seed, unless that was done."""
    folders = {name: runner.places[seed] / f"merged-{name}" for name in MERGING}
    known = {name: read_result(folder) for name, folder in folders.items()}
    if all(known.values()):
        return {
            name: Trained(known[name], folder, resamples=read_resamples(folder))
            for name, folder in folders.items()
        }
    failed = single.failed(place)
    if failed:
        return dict.fromkeys(MERGING, Trained(None, failed=f"not mergeable: {failed}"))
    networks = {task: runs[place].folder for task, runs in single.networks.items()}
    own = config.model_copy(update={"seed": seed})
    made = merged(
        own,
        {task: folder for task, folder in networks.items() if folder is not None},
        problem=runner.problem,
        resamples=runner.resamples,
    )
    return {name: _kept(one, folders[name], seed) for name, one in made.items()}


def _kept(one: Merged | NoRow, folder: Path, seed: int) -> Trained:
    """Writes what was merged like a run, and returns it."""
    if isinstance(one, NoRow):
        return Trained(None, failed=one.reason)
    weights = one.model.state_dict().values()
    result = RunResult(
        seed=seed,
        best_epoch=0,
        score=one.tried[one.strength],
        validation=one.validation.metrics,
        test=test_event(one.test),
        tested=datetime.now(UTC).isoformat(timespec="seconds"),
        steps=0,
        seconds=one.seconds,
        step_seconds=math.nan,
        parameters=sum(parameter.numel() for parameter in one.model.parameters()),
        size=sum(each.nbytes for each in weights),
        started=f"merged from the single-task networks, with strength {one.strength:g}",
    )
    one.model.save_pretrained(folder / MODEL, metrics=one.test.metrics)
    if one.resamples is not None:
        write_resamples(folder, one.resamples)
    write_result(folder, result)
    return Trained(result, folder, resamples=one.resamples)
