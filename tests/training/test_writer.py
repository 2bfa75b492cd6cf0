"""Checkpoints that are written while training goes on."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from plait.core.errors import CheckpointError
from plait.training import Callback, Interrupted, Trainer
from plait.training import writer as module
from plait.training.checkpoint import read_checkpoint, write_checkpoint
from plait.training.writer import MOST, Writer, host_copy
from tests.distributed.group import Group
from tests.training.problem import (
    assert_same_run,
    differences,
    saved,
    train_loader,
    trainer,
    val_loader,
)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """What a writer waits for before each file."""
    opened = threading.Event()

    def write(path: Path, state: dict[str, Any]) -> None:
        opened.wait(10)
        write_checkpoint(path, state)

    monkeypatch.setattr(module, "write_checkpoint", write)
    return opened


def full(path: Path, state: dict[str, Any]) -> None:
    raise CheckpointError(f"{path} could not be written: no room.")


def test_at_once_is_the_default(tmp_path: Path) -> None:
    writer = Writer()
    writer.write(tmp_path / "a.pt", {"step": 1})
    assert read_checkpoint(tmp_path / "a.pt")["step"] == 1
    writer.wait()


def test_the_state_is_that_of_the_moment(tmp_path: Path, gate: threading.Event) -> None:
    writer, weight = Writer(behind=True), torch.zeros(3)
    state = {"model": {"weight": weight}, "list": [weight], "step": 1}
    writer.write(tmp_path / "a.pt", state)
    assert not (tmp_path / "a.pt").exists()
    weight += 1
    gate.set()
    writer.wait()
    found = read_checkpoint(tmp_path / "a.pt")
    assert found["model"]["weight"].tolist() == found["list"][0].tolist() == [0, 0, 0]


def test_no_more_copies_than_said(tmp_path: Path, gate: threading.Event) -> None:
    writer = Writer(behind=True)
    for number in range(MOST):
        writer.write(tmp_path / f"{number}.pt", {"step": number})
    another = threading.Thread(target=lambda: writer.write(tmp_path / "last.pt", {"step": 9}))
    another.start()
    time.sleep(0.05)
    assert another.is_alive()
    gate.set()
    another.join(10)
    writer.wait()
    assert len(list(tmp_path.iterdir())) == MOST + 1


def test_after_a_failure_nothing_is_written_until_it_is_heard(
    tmp_path: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(behind=True)
    monkeypatch.setattr(module, "write_checkpoint", full)
    writer.write(tmp_path / "best.pt", {})
    while not writer.failed:
        time.sleep(0.001)
    monkeypatch.setattr(module, "write_checkpoint", write_checkpoint)
    with pytest.raises(CheckpointError, match="no room"):
        writer.write(tmp_path / "last.pt", {"step": 2})
    assert not writer.failed
    writer.write(tmp_path / "last.pt", {"step": 3})
    writer.wait()
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]


def test_a_file_in_line_behind_one_that_fails_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that names the best epoch, whose weights are not there."""
    opened = threading.Event()

    def write(path: Path, state: dict[str, Any]) -> None:
        opened.wait(10)
        (full if path.name == "best.pt" else write_checkpoint)(path, state)

    monkeypatch.setattr(module, "write_checkpoint", write)
    writer = Writer(behind=True)
    writer.write(tmp_path / "best.pt", {})
    writer.write(tmp_path / "last.pt", {})
    opened.set()
    with pytest.raises(CheckpointError, match="no room"):
        writer.wait()
    assert not list(tmp_path.iterdir())


def test_a_copy_shares_no_memory() -> None:
    value = torch.ones(2, requires_grad=True)
    state = {"a": (value, "x"), "b": [{"c": value}, 3, None]}
    found = host_copy(state)
    assert found["a"][1] == "x"
    assert found["b"][1:] == [3, None]
    for each in (found["a"][0], found["b"][0]["c"]):
        assert torch.equal(each, value)
        assert each.data_ptr() != value.data_ptr()
        assert not each.requires_grad


def test_tied_weights_are_copied_once() -> None:
    tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    found = host_copy({"model": tied.state_dict(), "none": [torch.ones(0), torch.zeros(0, 2)]})
    one, two = (found["model"][f"{position}.weight"] for position in (0, 1))
    assert one.data_ptr() == two.data_ptr()
    assert found["model"]["0.bias"].data_ptr() != found["model"]["1.bias"].data_ptr()
    assert torch.equal(one, tied[0].weight)
    assert [each.shape for each in found["none"]] == [(0,), (0, 2)]


def test_what_is_sparse_is_copied() -> None:
    edges = torch.eye(3).to_sparse()
    found = host_copy({"edges": edges})["edges"]
    assert torch.equal(found.to_dense(), edges.to_dense())
    assert found.values().data_ptr() != edges.values().data_ptr()


def test_a_run_is_the_same_to_the_last_bit(tmp_path: Path) -> None:
    for name, behind in (("now", False), ("behind", True)):
        trainer(tmp_path / name, async_save=behind).fit(train_loader(), val_loader())
    for name in ("last.pt", "best.pt"):
        now, behind = saved(tmp_path / "now", name), saved(tmp_path / "behind", name)
        assert all("async_save" in each for each in differences(behind, now, name))


class Stop(Callback):
    """Asks for an end after a step, by what the trainer heeds."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, made: Trainer, record: Any) -> None:
        if made.state.step == self.step:
            made._stop.received = 15


def test_an_interrupted_run_has_its_checkpoint(tmp_path: Path) -> None:
    made = trainer(tmp_path / "run", async_save=True, callbacks=[Stop(3)])
    with pytest.raises(Interrupted):
        made.fit(train_loader(), val_loader())
    assert saved(tmp_path / "run")["state"]["step"] == 3
    trainer(tmp_path / "run").fit(train_loader(), val_loader(), resume=True)  # at once from here on
    trainer(tmp_path / "whole").fit(train_loader(), val_loader())
    assert_same_run(tmp_path / "run", tmp_path / "whole")


class Full(Callback):
    """The disk is full after a step."""

    def __init__(self, step: int) -> None:
        self.step, self.last = step, 0

    def on_step_end(self, made: Trainer, record: Any) -> None:
        self.last = made.state.step
        if made.state.step == self.step:
            made.keeper.writer._settle(0)
            module.write_checkpoint = full  # type: ignore[attr-defined]
        elif made.state.step == self.step + 1 and made.keeper.writer._waiting:
            made.keeper.writer._waiting[-1].result()  # it has failed by now


def broken(folder: str) -> tuple[str, int]:
    """Returns the error of a training whose disk is full after step 2, and its last step."""
    watch = Full(2)
    options: dict[str, Any] = {"async_save": True, "checkpoint_every": 2, "progress": False}
    made = trainer(Path(folder), callbacks=[watch], accumulate=1, scheduler=None, **options)
    try:
        with pytest.raises(CheckpointError) as told:
            made.fit(train_loader(), val_loader())
    finally:
        module.write_checkpoint = write_checkpoint  # type: ignore[attr-defined]
    return str(told.value), watch.last


def test_a_checkpoint_that_fails_ends_the_training_at_the_next_step(tmp_path: Path) -> None:
    told, last = broken(str(tmp_path / "run"))
    assert "no room" in told
    assert last == 3
    assert saved(tmp_path / "run")["state"]["step"] == 0, "the one before"


def test_in_several_processes_all_of_them_hear_of_it(two: Group, tmp_path: Path) -> None:
    first, second = two(broken, str(tmp_path / "run"))
    assert first == second
    assert "no room" in first[0]
