"""A search that is killed at ten random instants has, at the end, what one in peace has."""

from pathlib import Path

import pytest

from plait.experiments.search.tune import Search, tune
from plait.experiments.search.words import read_space
from plait.runs.tuning import Tuning, read_tuning
from tests.experiments.search.opened import opened
from tests.killing import kill_often, results_below, run_to_end

TRIALS = 8


def search(folder: Path) -> None:
    config, problem = opened(epochs=4)
    space = read_space(["optimizer.lr", "weights"], config, problem)
    tune(Search(config, folder, space, TRIALS, prune=False), title="x", problem=problem)


def outcome(folder: Path) -> object:
    """All that was found, but for the seconds and the hour."""
    found: Tuning = read_tuning(folder)
    trials = [
        (each.number, each.state, each.values, each.settings, each.scores, each.validation)
        for each in found.trials
    ]
    finals = [(each.trial, each.after, each.seed, each.test) for each in found.finals]
    return trials, finals, found.best, found.importance, found.note


@pytest.mark.slow
def test_no_finished_trial_is_lost_and_none_is_repeated(tmp_path: Path) -> None:
    peace, killed = tmp_path / "peace", tmp_path / "killed"
    lasts = run_to_end(search, peace)
    kills = kill_often(search, killed, done=lambda: results_below(killed), lasts=lasts)
    assert kills.alive >= 5, "kills that met work"
    assert outcome(killed) == outcome(peace)
    assert len(results_below(killed)) == TRIALS + 1
