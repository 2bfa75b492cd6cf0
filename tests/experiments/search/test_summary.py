"""What a study has found: the best, the front, what decides, and what there is to say."""

import itertools
import math
from pathlib import Path

import pytest

from plait.experiments.search.study import Study
from plait.experiments.search.summary import how, summary
from plait.runs.tuning import FinalRun, Tuning
from tests.experiments.search.made import complete, do, study


def told(own: Study, *finals: FinalRun, wanted: int = 0) -> Tuning:
    return summary(own, title="x", wanted=wanted, prune=True, finals=finals)


def final(trial: int, after: int, seed: int = 0) -> FinalRun:
    folder = f"final/{trial:03}-seed-{seed}"
    given = {"folder": folder, "tested": "2026-01-01T00:00:00+00:00", "test": {}, "validation": {}}
    return FinalRun(trial=trial, after=after, seed=seed, **given)  # type: ignore[arg-type]


def test_the_best_is_the_trained_trial_with_the_highest_score(tmp_path: Path) -> None:
    own = study(tmp_path)
    do(own, 0.1, 0.4, 0.3)
    with own.claimed(9) as claim:
        assert claim is not None
        own.report(claim, 1, 0.9)
        own.fail(claim, "worse", pruned=True)
    with own.claimed(9) as claim:
        assert claim is not None
        own.fail(claim, "a loss is not finite.")
    with own.claimed(9):
        found = told(own)
    states = [trial.state for trial in found.trials]
    assert states == ["trained", "trained", "trained", "pruned", "failed", "running"]
    assert (found.best, found.front) == (1, [])
    assert [trial.values[0] for trial in found.trials[:3]] == [0.1, 0.4, 0.3]
    assert all(math.isnan(trial.values[0]) for trial in found.trials[3:])
    assert found.trials[3].scores == {1: 0.9}
    assert found.trials[0].untuned
    assert found.trials[1].settings.keys() == {"optimizer.lr"}
    assert found.trials[1].folder == "trials/001"
    assert "1 of 6 trials failed; trial 4: a loss is not finite." in found.note


def test_the_front_is_what_no_other_beats(tmp_path: Path) -> None:
    """Against the definition, in three objectives of which one is to be low."""
    own = study(tmp_path, wanted="task")
    points = [(0.5, 0.5, 2.0), (0.4, 0.6, 2.0), (0.5, 0.5, 3.0), (0.3, 0.5, 1.0), (0.5, 0.5, 2.0)]
    for place, (quarter, mask, spot) in enumerate(points):
        with own.claimed(9) as claim:
            assert claim is not None
            metrics = {"quarter": {"accuracy": quarter}, "mask": {"iou": mask}}
            metrics |= {"spot": {"distance": spot}}
            complete(own, claim, 0.1 * place, validation=metrics)
    found = told(own)
    beaten = {
        b
        for a, b in itertools.permutations(range(5), 2)
        if points[a] != points[b]
        and points[a][0] >= points[b][0]
        and points[a][1] >= points[b][1]
        and points[a][2] <= points[b][2]
    }
    assert found.front == [place for place in range(5) if place not in beaten] == [0, 1, 3, 4]
    assert found.best == 4, "of the front, the highest score by the rule"
    assert found.importance == {}


def test_what_decides_is_found(tmp_path: Path) -> None:
    """The score follows one of two settings; the higher is the better."""
    own = study(tmp_path, "optimizer.lr=0.001..1", "optimizer.momentum=0.1..0.9")
    assert told(own).importance == {}
    for _ in range(24):
        with own.claimed(99) as claim:
            assert claim is not None
            complete(own, claim, claim.config.optimizer.options["lr"])
    found = told(own).importance
    assert math.isclose(sum(found.values()), 1.0)
    assert found["optimizer.lr"] > 0.6 > found["optimizer.momentum"]


def test_nothing_is_said_to_decide_where_all_are_equal(tmp_path: Path) -> None:
    own = study(tmp_path)
    do(own, *([0.5] * 12))
    found = told(own)
    assert found.importance == {}
    assert found.best == 0, "the settings as they are"
    assert any(
        "have the same score: what was searched has no effect" in each for each in found.note
    )


def test_no_trial_at_all_is_said(tmp_path: Path) -> None:
    own = study(tmp_path)
    with own.claimed(9) as claim:
        assert claim is not None
        own.fail(claim, "no memory")
    found = told(own, wanted=1)
    assert found.best == -1
    assert found.note[-1] == "No trial was trained to its end, so nothing was chosen."


def test_that_the_settings_are_good_already_is_said(tmp_path: Path) -> None:
    own = study(tmp_path)
    do(own, 0.5, 0.4)
    assert "No trial is better than the settings as they were." in told(own).note


def test_fewer_trials_than_wanted_are_said(tmp_path: Path) -> None:
    own = study(tmp_path)
    do(own, 0.5, 0.6)
    assert told(own, wanted=4).note[0].startswith("2 trials were made, and not 4: the space has no")


@pytest.mark.parametrize(
    ("finals", "said"),
    [
        ([], "the test split was not read."),
        ([final(1, 2)], "The choice among 2 trials was made on the validation split; the test"),
        ([final(1, 2)], "was read once, after it."),
        ([final(1, 2, 0), final(1, 2, 1)], "was read once by each of 2 seeds, after it."),
        ([final(0, 1), final(1, 2)], "It was read before for trial 0, the best until the search"),
    ],
)
def test_how_often_the_test_split_was_read_is_said(
    tmp_path: Path, finals: list[FinalRun], said: str
) -> None:
    own = study(tmp_path)
    do(own, 0.5, 0.6)
    assert said in told(own, *finals).note[-1]


def test_how_trials_are_drawn_and_ended_is_said(tmp_path: Path) -> None:
    own = study(tmp_path / "one", epochs=12)
    assert "after epoch 3 at the soonest" in how(own, prune=True)[1]
    assert how(own, prune=False)[1] == "No trial ends early."
    several = study(tmp_path / "several", wanted="task")
    assert how(several, prune=True)[1].startswith("No trial ends early: with several objectives")
