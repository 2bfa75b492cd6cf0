"""The scores of a run's epochs."""

from pathlib import Path

from plait.experiments import run, validate, with_defaults
from plait.experiments.advise.scores import epoch_scores
from tests.experiments.tiny import TINY
from tests.training.problem import events


def test_scores_are_those_of_the_log(tmp_path: Path) -> None:
    assert epoch_scores(tmp_path) == {}
    run(validate(with_defaults({"recipe": TINY, "epochs": 2, "gallery": 0})), tmp_path / "run")
    lines = [line for line in events(tmp_path / "run") if line["event"] == "evaluation"]
    assert epoch_scores(tmp_path / "run") == {
        line["epoch"]: line["score"] for line in lines if line["epoch"]
    }
