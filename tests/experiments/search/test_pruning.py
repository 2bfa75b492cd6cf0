"""A training that is worse than others ends, as an interrupted one does: its log is whole."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plait.experiments import run
from plait.experiments.search.pruning import Pruned, Pruning
from plait.training.state import State
from tests.experiments.search.opened import opened
from tests.training.problem import events


def test_each_epoch_is_reported_and_the_last_is_not_pruned(tmp_path: Path) -> None:
    config, problem = opened(epochs=3)
    told: dict[int, float] = {}

    def report(epoch: int, score: float) -> bool:
        told[epoch] = score
        return epoch == 3

    result = run(config, tmp_path, callbacks=[Pruning(report)], problem=problem, test=False)
    scores = [event["score"] for event in events(tmp_path) if event["event"] == "evaluation"]
    assert list(told.values()) == scores
    assert list(told) == [1, 2, 3]
    assert result.score == max(scores)


def test_a_pruned_training_says_so_in_its_log(tmp_path: Path) -> None:
    config, problem = opened(epochs=3)
    pruning = Pruning(lambda epoch, score: epoch == 2)
    with pytest.raises(Pruned, match=r"pruned after epoch 2, with a score of ") as caught:
        run(config, tmp_path, callbacks=[pruning], problem=problem, test=False)
    (last,) = [event for event in events(tmp_path) if event["event"] == "end"]
    assert (last["epoch"], last["text"]) == (2, f"{caught.value}.")
    assert not (tmp_path / "result.json").exists()


def test_a_score_of_nan_is_not_reported() -> None:
    told: list[int] = []
    pruning = Pruning(lambda epoch, score: bool(told.append(epoch)))
    trainer: Any = SimpleNamespace(state=State(epoch=1))
    nothing: Any = None
    pruning.on_validation_end(trainer, nothing, math.nan)
    pruning.on_epoch_end(trainer)
    assert told == []
