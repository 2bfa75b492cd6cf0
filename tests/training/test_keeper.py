"""What is kept of a training, in a run folder and without one."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from plait.core.errors import CheckpointError, ConfigError, PlaitWarning, RunExistsError
from plait.model import MultiTaskModel
from plait.runs import EventLog, Warned
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training.keeper import Keeper
from plait.training.state import State


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


def keeper(run: Path | None, **options: Any) -> Keeper:
    log = EventLog(None if run is None else run / "events.jsonl")
    model = MultiTaskModel(Hard(nn.Linear(2, 3)), [Regression("a")], example=torch.zeros(1, 2))
    return Keeper(run, model, log, {"options": {"seed": 3, "epochs": 2, **options}})


def weight(made: Keeper) -> torch.Tensor:
    return next(made.model.parameters())


def parts(count: int = 0, epoch: int = 1, batch: int = 0) -> dict[str, Any]:
    return {"counter": Counter(count), "state": State(epoch=epoch, batch=batch)}


def saved(run: Path, **values: int) -> Keeper:
    made = keeper(run)
    made.begin()
    made.log.write(Warned(step=1, text="one"))
    made.save(parts(**{"count": 3, **values}))
    return made


def test_everything_is_put_back(tmp_path: Path) -> None:
    first = saved(tmp_path / "run")
    size = (tmp_path / "run/events.jsonl").stat().st_size
    first.log.write(Warned(step=2, text="two"))
    first.log.flush()
    again, given = keeper(tmp_path / "run"), parts()
    torch.nn.init.zeros_(weight(again))
    again.resume(given)
    assert given["counter"].count == 3
    assert torch.equal(weight(again), weight(first))
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
        "plait.training.writer.write_checkpoint", lambda *_: order.append("checkpoint")
    )
    made.save(parts())
    assert order == ["log", "checkpoint"]


@pytest.mark.parametrize("taken", ["events.jsonl", "checkpoints/last.pt"])
def test_a_folder_with_a_run_is_left_alone(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_text("mine")
    with pytest.raises(RunExistsError, match=r"was touched.*fit\(\.\.\., resume=True\)"):
        keeper(tmp_path).begin()
    assert (tmp_path / taken).read_text() == "mine"


def test_what_a_run_has_in_common_with_the_saved_one_is_checked_first(tmp_path: Path) -> None:
    saved(tmp_path)
    made, given = keeper(tmp_path, seed=4), parts(1)
    before = weight(made).detach().clone()
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(CheckpointError, match=r"`seed` was 3 and is now 4"):
        made.resume(given)
    assert given["counter"].count == 1
    assert torch.equal(weight(made), before)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize(("epoch", "batch"), [(3, 0), (2, 1)])
def test_a_run_that_has_trained_for_longer_is_refused(
    epoch: int, batch: int, tmp_path: Path
) -> None:
    saved(tmp_path, epoch=epoch, batch=batch)
    with pytest.raises(CheckpointError, match="`epochs` must be at least 3; found 2"):
        keeper(tmp_path).resume(parts())
    keeper(tmp_path, epochs=3).resume(parts())


def test_the_folder_says_what_the_run_is(tmp_path: Path) -> None:
    """And after it is resumed with other options that are obeyed, those."""
    saved(tmp_path)
    environment = (tmp_path / "env.json").read_bytes()
    assert json.loads(environment)["seed"] == 3
    described = json.loads((tmp_path / "trainer.json").read_text())
    assert described == {"options": {"seed": 3, "epochs": 2}}
    keeper(tmp_path, epochs=5).resume(parts())
    described = json.loads((tmp_path / "trainer.json").read_text())
    assert described == {"options": {"seed": 3, "epochs": 5}}
    assert (tmp_path / "env.json").read_bytes() == environment


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"notes\.txt cannot be made: .*Name another"):
        keeper(tmp_path / "notes.txt").begin()


def test_the_model_is_written_beside_the_checkpoints(tmp_path: Path) -> None:
    made = saved(tmp_path)
    made.finish({"a": {"mae": 0.25}})
    found = MultiTaskModel.from_pretrained(tmp_path / "model", encoder=nn.Linear(2, 3))
    assert torch.equal(next(found.parameters()), weight(made))
    assert "0.25" in (tmp_path / "model/README.md").read_text()
    keeper(None).finish({})  # no folder, no file


def test_a_model_that_no_model_folder_can_hold_has_trained_all_the_same(tmp_path: Path) -> None:
    """Its checkpoints are there; the warning says how to save it."""
    made = saved(tmp_path)
    made.model.register_buffer("adjacency", torch.eye(3).to_sparse())
    with pytest.warns(PlaitWarning, match=r"model was not written: .*adjacency of the model is"):
        made.finish({})
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("names", [["counter", "state", "scheduler"], ["state"]])
def test_the_same_parts_must_be_remembered(tmp_path: Path, names: list[str]) -> None:
    saved(tmp_path)
    with pytest.raises(CheckpointError, match=r"do not both have a (counter|scheduler)"):
        keeper(tmp_path).resume({name: Counter() for name in names})


def test_a_part_that_refuses_its_state_is_named(tmp_path: Path) -> None:
    saved(tmp_path, count=-1)
    with pytest.raises(CheckpointError, match="made with another counter: a count is not negative"):
        keeper(tmp_path).resume(parts())


def test_without_a_run_folder_nothing_is_saved_and_nothing_resumed() -> None:
    made = keeper(None)
    made.begin()
    assert made.save(parts()) is None
    made.verify()
    with pytest.raises(ConfigError, match="`resume` needs a run folder"):
        made.resume(parts())
