"""Lines of the log come in the order in which they were written, whatever waits."""

import json
from pathlib import Path

import torch

from plait.runs import Warned
from plait.runs.logged import steps_of
from plait.training import StepRecord
from plait.training.device_sums import DeviceSums
from plait.training.log import TrainingLog
from plait.training.state import State


def record(value: float) -> StepRecord:
    sums = DeviceSums()
    sums.add(("loss", "a"), torch.tensor(value))
    return StepRecord({"a": 1.0}, None, "left out", sums=sums)


def write(log: TrainingLog, step: int) -> None:
    log.write_step(record(step / 2), State(step=step), lr=0.1)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_steps_and_events_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = TrainingLog(path, ["a"])
    write(log, 1)
    log.write(Warned(step=1, text="a gate"))
    write(log, 2)
    assert not path.exists()
    assert log.flush() == path.stat().st_size
    write(log, 3)
    log.flush()
    names, *found = lines(path)
    assert names == {"event": "tasks", "names": ["a"]}
    assert [(line["event"], line["step"]) for line in found] == [
        ("step", 1),
        ("warning", 1),
        ("step", 2),
        ("step", 3),
    ]
    assert [line["losses"] for line in found if line["event"] == "step"] == [
        [0.5],
        [1.0],
        [1.5],
    ]


def test_what_waits_is_forgotten_when_the_file_is_cut_back(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = TrainingLog(path, ["a"])
    write(log, 1)
    size = log.flush()
    write(log, 2)
    log.flush()
    write(log, 3)
    log.truncate(size)
    log.flush()
    assert [line["event"] for line in lines(path)] == ["tasks", "step"]


def test_without_a_file_nothing_is_kept() -> None:
    log = TrainingLog(None, ["a"])
    write(log, 1)
    log.write(Warned(step=1, text="a gate"))
    assert log.flush() == 0


def test_a_task_that_comes_later_is_named_with_those_before(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = TrainingLog(path, ["a"])
    write(log, 1)
    log.name(["b"])
    write(log, 2)
    log.flush()
    found = lines(path)
    assert [line.get("names") or line["losses"] for line in found] == [
        ["a"],
        [0.5],
        ["a", "b"],
        [1.0, None],
    ]
    steps = steps_of(tmp_path)
    assert (steps.names, steps.of(steps.losses, "a").tolist()) == (["a", "b"], [0.5, 1.0])
