"""A whole search: trials on the validation split, the choice, and one test; again and again."""

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait.core.errors import ConfigError, DataError, RunExistsError
from plait.experiments import run
from plait.experiments.config import validate
from plait.experiments.search.tune import BEST, Search, tune
from plait.experiments.search.words import read_space
from plait.runs.result import read_result
from plait.runs.tuning import Tuning, read_tuning
from plait.training import Callback, Interrupted
from tests.experiments.search.opened import opened
from tests.experiments.tiny import tree
from tests.training.problem import events


def search(
    folder: Path, trials: int, *words: str, finals: int = 1, jobs: int = 1, **settings: Any
) -> tuple[Tuning, list[str]]:
    """Searches on the tiny problem; returns what was found, and what was said."""
    own = {name: settings.pop(name) for name in ("objective", "prune") if name in settings}
    config, problem = opened(**{"epochs": 1} | settings)
    space = read_space(words or ("optimizer.lr",), config, problem)
    said: list[str] = []
    found = tune(
        Search(config, folder, space, trials, **own),
        title="x",
        problem=problem,
        jobs=jobs,
        finals=finals,
        say=said.append,
    )
    return found, said


def test_the_best_is_chosen_on_validation_and_tested_once(tmp_path: Path) -> None:
    found, said = search(tmp_path, 3)
    scores = [trial.values[0] for trial in found.trials]
    assert found.best == scores.index(max(scores))
    assert read_tuning(tmp_path) == found
    for trial in found.trials:
        folder = tmp_path / trial.folder
        result = read_result(folder)
        assert result is not None
        assert (result.score, result.tested) == (trial.values[0], "")
        assert not [each for each in events(folder) if each["event"] == "test"]
    (final,) = found.finals
    result = read_result(tmp_path / final.folder)
    assert result is not None
    assert result.tested == final.tested != ""
    assert result.score == max(scores), "the same seed and settings, to the last bit"
    assert result.test.metrics == final.test
    best = validate(yaml.safe_load((tmp_path / BEST).read_text()))
    assert best.optimizer.options["lr"] == found.trials[found.best].settings["optimizer.lr"]
    assert said[1] == "  optimizer.lr: 0.005 to 0.5, log-uniform"
    assert said.index(f"trial 0: skill {scores[0]:.4g}") > 1, "the space is stated before"
    assert found.note[-1].endswith("the test split was read once, after it.")


def test_the_same_call_repeats_nothing_and_more_trials_go_on(tmp_path: Path) -> None:
    first, _ = search(tmp_path, 2)
    before = tree(tmp_path / "trials") | tree(tmp_path / "final")
    again, said = search(tmp_path, 2)
    assert again == first
    assert "2 of 2 trials are finished already, and are not repeated" in said
    more, _ = search(tmp_path, 4, finals=0)
    assert more.trials[:2] == first.trials
    assert len(more.trials) == 4
    after = tree(tmp_path / "trials") | tree(tmp_path / "final")
    assert {name: after[name] for name in before} == before
    assert more.finals == first.finals, "what has read the test split is never forgotten"


def test_a_later_best_is_tested_beside_the_earlier_one(tmp_path: Path) -> None:
    """The untuned settings have a rate with which little is learned in one epoch."""
    rate = {"class": "SGD", "lr": 1e-5}
    words = "optimizer.lr=1e-5..0.2"
    first, _ = search(tmp_path, 1, words, optimizer=rate)
    more, _ = search(tmp_path, 6, words, optimizer=rate)
    assert first.best == 0 != more.best
    assert [(each.trial, each.after) for each in more.finals] == [(0, 1), (more.best, 6)]
    assert "It was read before for trial 0, the best until the search went on" in more.note[-1]


def test_seeds_to_test_with(tmp_path: Path) -> None:
    found, _ = search(tmp_path / "two", 1, finals=2, seed=5)
    assert [each.seed for each in found.finals] == [5, 6]
    found, _ = search(tmp_path / "none", 1, finals=0)
    assert found.finals == []
    assert not (tmp_path / "none" / "final").exists()
    assert (tmp_path / "none" / BEST).is_file()


def test_one_objective_for_each_task(tmp_path: Path) -> None:
    found, said = search(tmp_path, 3, objective="task", tasks=["mask", "spot"])
    assert found.objective == ["mask/iou", "spot/distance"]
    assert found.best in found.front
    for trial in found.trials:
        metrics = trial.validation
        assert trial.values == [metrics["mask"]["iou"], metrics["spot"]["distance"]]
    assert any(line.startswith("No trial ends early: with several") for line in said)


def test_trials_that_fail_are_told_and_others_go_on(tmp_path: Path) -> None:
    """With a rate of 1e30 the first step leaves no finite loss."""
    found, said = search(tmp_path, 3, "optimizer.lr=1e30,0.05", optimizer={"class": "SGD"})
    states = {trial.settings.get("optimizer.lr"): trial.state for trial in found.trials}
    assert states["1e+30"] == "failed"
    assert states["0.05"] == "trained"
    assert found.best >= 0
    assert any(": failed: " in line and "loss of task 'mask' is nan" in line for line in said)
    assert any("trials failed; trial" in sentence for sentence in found.note)


def test_no_trained_trial_is_no_choice(tmp_path: Path) -> None:
    found, _ = search(tmp_path, 2, "optimizer.lr=1e30,1e31", optimizer={"class": "SGD", "lr": 1e32})
    assert found.best == -1
    assert found.finals == []
    assert not (tmp_path / BEST).exists()
    assert found.note[-1] == "No trial was trained to its end, so nothing was chosen."


def test_worse_trials_end_early(tmp_path: Path) -> None:
    """Five good rates, then one with which nothing is learned."""
    found, _ = search(
        tmp_path, 8, "optimizer.lr=1e-9..1", epochs=3, finals=0, optimizer={"class": "SGD"}
    )
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.number >= 5 and len(trial.scores) < 3 for trial in pruned)
    assert all("pruned after epoch" in trial.reason for trial in pruned)
    whole, _ = search(
        tmp_path / "whole", 6, "optimizer.lr=1e-9..1", prune=False, optimizer={"class": "SGD"}
    )
    assert all(trial.state == "trained" for trial in whole.trials)


def test_data_that_break_their_rules_end_the_search(tmp_path: Path) -> None:
    recipe = "tests.experiments.tiny:WrongClass"
    with pytest.raises(DataError, match="mask"):
        search(tmp_path, 3, recipe=recipe)


def test_a_folder_of_another_search_is_refused(tmp_path: Path) -> None:
    search(tmp_path, 1, finals=0)
    before = tree(tmp_path)
    with pytest.raises(RunExistsError, match=r"is another one: `settings.epochs` was 1"):
        search(tmp_path, 1, epochs=2)
    after = tree(tmp_path)
    assert {name for name in after if after[name] != before.get(name)} <= {"study.log", ".lock"}


@pytest.mark.parametrize(("trials", "jobs", "finals"), [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_numbers_that_make_no_search(tmp_path: Path, trials: int, jobs: int, finals: int) -> None:
    with pytest.raises(ConfigError, match="needs at least one trial and one job"):
        search(tmp_path, trials, jobs=jobs, finals=finals)


class Stop(Callback):
    """Interrupts the process once, as Ctrl-C does, after the first epoch of a training."""

    def on_epoch_end(self, trainer: Any) -> None:
        os.kill(os.getpid(), 2)


def test_an_interrupted_trial_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = sys.modules[tune.__module__]
    whole, _ = search(tmp_path / "whole", 2, epochs=2)
    real, counts = module.once, []

    def once(spec: Any, callbacks: Any, *, problem: Any) -> Any:
        counts.append(spec.folder.name)
        more = [Stop()] if len(counts) == 2 else []
        return real(spec, [*callbacks, *more], problem=problem)

    monkeypatch.setattr(module, "once", once)
    with pytest.raises(Interrupted, match="give the same command again"):
        search(tmp_path / "halves", 2, epochs=2)
    halves, _ = search(tmp_path / "halves", 2, epochs=2)
    assert counts == ["000", "001", "001"]
    assert [trial.values for trial in halves.trials] == [trial.values for trial in whole.trials]
    assert halves.trials[1].scores == whole.trials[1].scores
    assert halves.finals[0].test == whole.finals[0].test


def test_two_threads_share_a_search_as_two_processes_do(tmp_path: Path) -> None:
    """Each trial is trained by one of them; both return the same."""
    found: list[Tuning] = []
    threads = [
        threading.Thread(target=lambda: found.append(search(tmp_path, 5)[0])) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert [trial.number for trial in found[0].trials] == list(range(5))
    assert all(trial.state == "trained" for trial in found[0].trials)


@pytest.mark.slow
def test_jobs_share_a_search(tmp_path: Path) -> None:
    found, _ = search(tmp_path, 4, jobs=2)
    alone, _ = search(tmp_path / "alone", 4)
    assert [trial.settings for trial in found.trials] == [trial.settings for trial in alone.trials]
    assert all(trial.state == "trained" for trial in found.trials)
    assert found.best == alone.best


def test_the_best_settings_are_a_run_by_themselves(tmp_path: Path) -> None:
    found, _ = search(tmp_path, 2, "weights", "optimizer.lr", tasks=["spot", "mask"])
    best = validate(yaml.safe_load((tmp_path / BEST).read_text()))
    again = run(best, tmp_path / "again")
    assert again.test.metrics == found.finals[0].test
