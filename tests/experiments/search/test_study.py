"""A study on disk: which trial comes next, and what becomes of those of a killed process."""

import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from plait.core.errors import ConfigError, RunExistsError
from plait.experiments import RunConfig
from plait.experiments.search.proposals import START
from plait.experiments.search.study import NEVER_PRUNED, warm_up
from plait.experiments.search.trials import trials_for
from tests.experiments.search.made import complete, do, study
from tests.experiments.search.opened import opened


def test_the_settings_themselves_then_those_of_a_comparison_then_others(tmp_path: Path) -> None:
    own = study(tmp_path)
    rates = [each["lr"] for each in do(own, *([0.5] * (START + 2)))]
    config, problem = opened()
    known = trials_for(config, START, problem=problem, space=own.space)
    assert rates[:START] == [trial.config.optimizer.options["lr"] for trial in known]
    assert len(set(rates)) == START + 2, "none is tried twice"
    assert all(0.005 <= rate <= 0.5 for rate in rates)


def test_good_trials_draw_others_near(tmp_path: Path) -> None:
    """Where the score is highest at 0.05, later trials are closer to it than the spread ones."""
    own = study(tmp_path, "optimizer.lr=0.0005..5")
    distances = []
    for _ in range(25):
        with own.claimed(25) as claim:
            assert claim is not None
            rate = claim.config.optimizer.options["lr"]
            distances.append(abs(rate - 0.05) / max(rate, 0.05))
            complete(own, claim, -distances[-1])
    spread, chosen = distances[1:START], distances[-8:]
    assert sum(chosen) / len(chosen) < sum(spread) / len(spread)


def test_a_search_goes_on_as_it_would_have_gone_on(tmp_path: Path) -> None:
    scores = [0.1 * (number % 7) for number in range(START + 4)]
    whole = do(study(tmp_path / "whole"), *scores)
    halves = do(study(tmp_path / "halves"), *scores[: START + 1])
    halves += do(study(tmp_path / "halves"), *scores[START + 1 :])
    assert whole == halves
    assert do(study(tmp_path / "other", seed=1), *scores) != whole


def test_so_many_trials_are_of_the_study_and_not_of_the_process(tmp_path: Path) -> None:
    do(study(tmp_path), 0.1, 0.2)
    own = study(tmp_path)
    do(own, 0.3, limit=3)
    with own.claimed(3) as claim:
        assert claim is None
    assert [trial.value for trial in own.trials] == [0.1, 0.2, 0.3]


def test_a_trial_is_of_one_process_at_a_time(tmp_path: Path) -> None:
    one, other = study(tmp_path), study(tmp_path)
    with one.claimed(2) as first, other.claimed(2) as second:
        assert first is not None
        assert second is not None
        assert {first.trial.number, second.trial.number} == {0, 1}
        assert one.others() == [0, 1]
        with one.claimed(2) as third:
            assert third is None


def test_a_trial_whose_process_ended_comes_again_with_its_settings(tmp_path: Path) -> None:
    own = study(tmp_path)
    do(own, 0.1)
    with own.claimed(3) as lost:
        assert lost is not None
    assert own.others() == []
    later = study(tmp_path)
    with later.claimed(3) as found:
        assert found is not None
        assert found.trial.number == lost.trial.number
        assert found.config == lost.config
        assert found.folder == lost.folder
        complete(later, found, 0.2)
    assert do(later, 0.3, limit=3)[0] != lost.config.optimizer.options
    assert [trial.value for trial in later.trials] == [0.1, 0.2, 0.3]


def hold_a_trial(folder: Path, ready: "multiprocessing.Queue[int]") -> None:
    with study(folder).claimed(9) as claim:
        assert claim is not None
        ready.put(claim.trial.number)
        time.sleep(60)


def test_a_killed_process_leaves_its_trial_to_others(tmp_path: Path) -> None:
    """The system gives its lock back, whatever it was doing."""
    fork = multiprocessing.get_context("fork")
    ready: multiprocessing.Queue[int] = fork.Queue()
    process = fork.Process(target=hold_a_trial, args=(tmp_path, ready))
    process.start()
    number = ready.get(timeout=60)
    own = study(tmp_path)
    assert own.others() == [number]
    with own.claimed(9) as claim:
        assert claim is not None
        assert claim.trial.number == number + 1
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    with own.claimed(9) as claim:
        assert claim is not None
        assert claim.trial.number == number


def rate(config: RunConfig) -> float:
    return float(config.optimizer.options["lr"])


def test_settings_that_a_run_cannot_have_are_passed_over(tmp_path: Path) -> None:
    own = study(tmp_path, "optimizer.lr=1..2")
    own = replace(own, why=lambda config: "too large" if rate(config) > 1.5 else "")
    for _ in range(START + 3):
        with own.claimed(START + 3) as claim:
            assert claim is not None
            assert claim.config.optimizer.options["lr"] <= 1.5
            complete(own, claim, claim.config.optimizer.options["lr"])
    assert len(own.trials) == START + 3
    assert all(trial.state.name == "COMPLETE" for trial in own.trials)
    own = replace(own, why=lambda config: "none can")
    with pytest.raises(ConfigError, match="cannot be had by a run; of one of them: none can"):
        do(own, 0.5)


@pytest.mark.parametrize(
    "words", [["batch_size=4,8,16"], ["balancing=Equal,DWA", "batch_size=4,8"]]
)
def test_a_space_that_is_too_small_ends_the_search(tmp_path: Path, words: list[str]) -> None:
    """The tiny problem has batches of 8 and the balancer Equal, which are a point of each."""
    own = study(tmp_path, *words)
    points = [4, 8, 16] if len(words) == 1 else [4, 4, 8, 8]
    sizes = []
    for place in range(len(points)):
        with own.claimed(20) as claim:
            assert claim is not None
            sizes.append(claim.config.batch_size)
            complete(own, claim, 0.1 * place)
    assert sorted(sizes) == points
    with own.claimed(20) as claim:
        assert claim is None
    assert len(own.trials) == len(points)


def test_options_of_a_method_that_is_not_chosen_are_no_other_settings(tmp_path: Path) -> None:
    own = study(tmp_path, "balancing=Equal,IMTLL", "balancing.bound=5.0,10.0")
    made = 0
    while True:
        with own.claimed(20) as claim:
            if claim is None:
                break
            made += 1
            complete(own, claim, 0.1 * made)
    assert made == 3, "Equal, and IMTLL with two bounds"


def test_another_search_is_refused_by_name(tmp_path: Path) -> None:
    do(study(tmp_path), 0.1)
    with pytest.raises(
        RunExistsError, match=r"is another one: `settings.epochs` was 2 and is now 3"
    ):
        study(tmp_path, epochs=3)
    with pytest.raises(RunExistsError, match=r"`space.optimizer.lr` was 0.005 to 0.5, log-uniform"):
        study(tmp_path, "optimizer.lr=1..2")
    with pytest.raises(RunExistsError, match="`seed` was 0 and is now 1"):
        study(tmp_path, seed=1)
    with pytest.raises(RunExistsError, match="`objective` was"):
        study(tmp_path, wanted="task")
    assert len(study(tmp_path, log_every=3, gallery=1).trials) == 1, "which change no number"


def test_a_score_of_nan_is_a_failure_that_says_of_what(tmp_path: Path) -> None:
    own = study(tmp_path, wanted="task", tasks=["mask", "spot"])
    with own.claimed(2) as claim:
        assert claim is not None
        complete(own, claim, 0.1, validation={"mask": {"iou": 0.5}, "spot": {"distance": 1.0}})
    with own.claimed(2) as claim:
        assert claim is not None
        complete(own, claim, 0.1, validation={"mask": {"iou": 0.5}})
    assert [trial.state.name for trial in own.trials] == ["COMPLETE", "FAIL"]
    assert own.trials[1].user_attrs["reason"].startswith("spot/distance is undefined (NaN)")


def test_worse_trials_are_to_end_early_and_a_repeated_epoch_is_no_news(tmp_path: Path) -> None:
    own = study(tmp_path, epochs=8)
    assert warm_up(own.config) == 2
    for _ in range(NEVER_PRUNED):
        with own.claimed(99) as claim:
            assert claim is not None
            assert not any(own.report(claim, epoch, 0.5) for epoch in range(1, 9))
            complete(own, claim, 0.5)
    with own.claimed(99) as claim:
        assert claim is not None
        assert [own.report(claim, epoch, 0.1) for epoch in (1, 2)] == [False, True]
        assert own.report(claim, 2, 0.9), "the epoch was told already"
        own.fail(claim, "worse", pruned=True)
    with own.claimed(99) as claim:
        assert claim is not None
        assert not own.report(claim, 2, 0.6)
    assert own.trials[NEVER_PRUNED].state.name == "PRUNED"
