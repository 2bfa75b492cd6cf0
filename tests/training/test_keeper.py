"""What is kept of a training, in a run folder and without one."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from plait.core.errors import CheckpointError, ConfigError, RunExistsError
from plait.runs import EventLog, Warned
from plait.training.keeper import Keeper


class Counter:
    """The smallest thing with a state."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def state_dict(self) -> dict[str, int]:
        return {"count": self.count}

    def load_state_dict(self, saved: dict[str, int]) -> None:
        if saved["count"] < 0:
            raise ValueError("a count is not negative")
        self.count = saved["count"]


def keeper(run: Path | None, **about: Any) -> Keeper:
    log = EventLog(None if run is None else run / "events.jsonl")
    return Keeper(run, nn.Linear(2, 1), log, about or {"tasks": ["a"]})


def saved(run: Path, count: int = 3) -> Keeper:
    made = keeper(run)
    made.begin()
    made.log.write(Warned(step=1, text="one"))
    made.save({"counter": Counter(count)})
    return made


def test_everything_is_put_back(tmp_path: Path) -> None:
    first = saved(tmp_path / "run")
    size = (tmp_path / "run/events.jsonl").stat().st_size
    first.log.write(Warned(step=2, text="two"))
    first.log.flush()
    again, counter = keeper(tmp_path / "run"), Counter()
    again.resume({"counter": counter})
    assert counter.count == 3
    assert torch.equal(again.model.weight, first.model.weight)  # type: ignore[arg-type]
    assert (tmp_path / "run/events.jsonl").stat().st_size == size, "what came later is cut off"


def test_the_log_is_on_the_disk_before_the_checkpoint_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a machine that dies could leave a checkpoint whose log lacks its last lines."""
    order: list[str] = []
    made = keeper(tmp_path)
    made.begin()
    monkeypatch.setattr(made.log, "sync", lambda: order.append("log") or 0)
    monkeypatch.setattr(
        "plait.training.keeper.write_checkpoint", lambda *_: order.append("checkpoint")
    )
    made.save({"counter": Counter()})
    assert order == ["log", "checkpoint"]


@pytest.mark.parametrize("taken", ["events.jsonl", "checkpoints/last.pt"])
def test_a_folder_with_a_run_is_left_alone(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_text("mine")
    with pytest.raises(RunExistsError, match="already holds a run; nothing in it was touched"):
        keeper(tmp_path).begin()
    assert (tmp_path / taken).read_text() == "mine"


def test_what_a_run_has_in_common_with_the_saved_one_is_checked_first(tmp_path: Path) -> None:
    saved(tmp_path)
    made, counter = keeper(tmp_path, tasks=["a", "b"]), Counter(1)
    weight = made.model.weight.clone()  # type: ignore[operator]
    with pytest.raises(
        CheckpointError, match=r"made with tasks \['a'\]; this run has \['a', 'b'\]"
    ):
        made.resume({"counter": counter})
    assert counter.count == 1
    assert torch.equal(made.model.weight, weight)  # type: ignore[arg-type]


@pytest.mark.parametrize("names", [["counter", "scheduler"], []])
def test_the_same_parts_must_be_remembered(tmp_path: Path, names: list[str]) -> None:
    saved(tmp_path)
    with pytest.raises(CheckpointError, match=r"do not both have a (counter|scheduler)"):
        keeper(tmp_path).resume({name: Counter() for name in names})


def test_a_part_that_refuses_its_state_is_named(tmp_path: Path) -> None:
    saved(tmp_path, count=-1)
    with pytest.raises(CheckpointError, match="made with another counter: a count is not negative"):
        keeper(tmp_path).resume({"counter": Counter()})


def test_without_a_run_folder_nothing_is_saved_and_nothing_resumed() -> None:
    made = keeper(None)
    made.begin()
    assert made.save({"counter": Counter()}) is None
    made.verify()
    with pytest.raises(ConfigError, match="`resume` needs a run folder"):
        made.resume({"counter": Counter()})


@pytest.mark.parametrize("on_disk", [True, False])
def test_the_best_weights_come_back(tmp_path: Path, on_disk: bool) -> None:
    made = keeper(tmp_path if on_disk else None)
    made.begin()
    best = made.model.weight.detach().clone()  # type: ignore[operator]
    made.keep_best()
    nn.init.zeros_(made.model.weight)  # type: ignore[arg-type]
    made.restore_best()
    assert torch.equal(made.model.weight, best)  # type: ignore[arg-type]
