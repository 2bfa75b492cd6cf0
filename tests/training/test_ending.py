"""Why a training ended is said once: on the terminal, in the log and in the report."""

import json
import math
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import nn

from plait.core.errors import ConfigError
from plait.data import InMemory, loader
from plait.model import MultiTaskModel
from plait.reports.read.run import read_run
from plait.reports.words.notices import notices
from plait.sharing import Hard
from plait.tasks import Classification
from plait.training import Callback, ProgressBar, State, Trainer
from plait.training.ending import ending
from plait.training.options import TrainerOptions
from tests.training.problem import (
    StopAt,
    Stopped,
    assert_same_run,
    data,
    events,
    train_loader,
    trainer,
    val_loader,
)


@pytest.mark.parametrize(
    ("state", "options", "words"),
    [
        ((10, 10, 0), {}, ["still improving: the last epoch, 10, is the best.", "epochs=20."]),
        ((10, 9, 0), {}, []),
        ((40, 37, 0), {"epochs": 40}, ["epoch 37 of 40 is the best. Train longer", "epochs=80."]),
        ((40, 36, 0), {"epochs": 40}, []),
        ((1, 1, 0), {"epochs": 1}, []),  # nothing to compare it with
        ((10, 0, 0), {}, []),  # without validation
        ((8, 6, 0), {"patience": 2}, ["ended by patience: no better epoch than 6 in the last 2."]),
        ((10, 8, 0), {"patience": 2}, ["ended by patience: no better epoch than 8"]),
        ((10, 9, 0), {"patience": 2}, ["epoch 9 of 10 is the best, and patience=2 is not used up"]),
        ((10, 10, 0), {"patience": 2}, ["still improving: the last epoch"]),
        ((4, 4, 90), {"minutes": 1.5}, ["ended by minutes=1.5 in epoch 4; still", "minutes=3."]),
        ((4, 2, 90), {"minutes": 1.5}, ["ended by minutes=1.5 in epoch 4."]),
        ((4, 0, 90), {"minutes": 1.5}, ["ended by minutes=1.5 in epoch 4."]),
        ((10, 10, 90), {"minutes": 1.5}, ["such as with minutes=3 epochs=20."]),
        ((10, 10, 89), {"minutes": 1.5}, ["such as with epochs=20."]),
    ],
)
def test_what_is_said(
    state: tuple[int, int, float], options: dict[str, Any], words: list[str]
) -> None:
    epoch, best, seconds = state
    score = 0.5 if best else -math.inf
    at = State(epoch=epoch, best_epoch=best, best_score=score, seconds=seconds)
    found = ending(at, TrainerOptions(**options))
    assert bool(found) == bool(words)
    assert all(each in found for each in words), found


class Slow(Callback):
    """Each step takes a minute, on the Trainer's clock."""

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        trainer.state.seconds += 60


@pytest.mark.parametrize(
    ("minutes", "steps", "epoch"),
    [(0.01, 1, 1), (2, 2, 1), (3, 3, 1), (4.5, 5, 2), (6, 6, 2), (100, 9, 3)],
)
def test_it_ends_at_the_step_that_uses_the_minutes_up(
    minutes: float, steps: int, epoch: int, tmp_path: Path
) -> None:
    """An epoch has 3 steps."""
    out = StringIO()
    callbacks = [Slow(), ProgressBar(console=Console(file=out))]
    options: dict[str, Any] = {"epochs": 3, "scheduler": None, "callbacks": callbacks}
    made = trainer(tmp_path, minutes=minutes, **options)
    state = made.fit(train_loader(), val_loader())
    assert (state.step, state.epoch, state.measured, state.batch) == (steps, epoch, epoch, 0)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [each["epoch"] for each in lines if each["event"] == "evaluation"] == [
        *range(1, epoch + 1)
    ]
    said = f"ended by minutes={minutes:g} in epoch {epoch}"
    assert (said in state.ended) == (said in out.getvalue()) == (minutes < 100)
    assert [each["text"] for each in lines if each["event"] == "end"] == [state.ended]
    *_, notice = notices(read_run(tmp_path))
    assert (notice.when, notice.text) == ("At the end:", state.ended)


def test_it_goes_on_until_each_task_has_had_a_label() -> None:
    """Without labels of a task there is no score."""
    found = data()
    found.targets["rare"][:12] = math.nan
    batches = loader(found, batch_size=4, shuffle=False)
    made = trainer(None, minutes=0.01, accumulate=1, scheduler=None, callbacks=[Slow()])
    state = made.fit(batches, val_loader())
    assert (state.step, state.epoch, state.best_epoch) == (5, 1, 1)
    assert state.ended == "ended by minutes=0.01 in epoch 1."


def test_a_resumed_run_counts_the_minutes_of_before_and_may_have_more(tmp_path: Path) -> None:
    """Stopped in the 4th step by an exception, then by 5 minutes, then trained to the end."""

    def made(run: str, *more: Callback, **options: Any) -> Trainer:
        given: dict[str, Any] = {"epochs": 3, "scheduler": None, **options}
        return trainer(tmp_path / run, callbacks=[Slow(), *more], checkpoint_every=1, **given)

    made("whole").fit(train_loader(), val_loader())
    with pytest.raises(Stopped):
        made("run", StopAt("on_save", 7)).fit(train_loader(), val_loader())
    at = made("run", minutes=6).fit(train_loader(), val_loader(), resume=True)
    assert (at.step, at.epoch) == (6, 2)
    assert "ended by minutes=6 in epoch 2" in at.ended
    again = made("run", minutes=6).fit(train_loader(), val_loader(), resume=True)
    assert (again.step, again.ended) == (6, at.ended)
    assert [each["event"] for each in events(tmp_path / "run")].count("end") == 1
    made("run").fit(train_loader(), val_loader(), resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "run")


def test_minutes_are_above_0() -> None:
    with pytest.raises(ConfigError, match="`minutes` must be a number above 0"):
        trainer(None, minutes=0)


def test_a_task_that_predicts_one_class_is_told_once_in_log_report_and_terminal(
    tmp_path: Path,
) -> None:
    """The inputs tell nothing, so that the frequent class is predicted for all."""
    task = Classification("kind", classes=2, names=["whole", "broken"])
    table = InMemory(torch.ones(24, 3), {"kind": torch.tensor([0] * 18 + [1] * 6)})
    out = StringIO()
    told = ProgressBar(console=Console(file=out, width=500))
    Trainer(
        MultiTaskModel(Hard(nn.Linear(3, 2)), [task], example=table.inputs[:2]),
        epochs=10,
        lr=0.1,
        run=tmp_path / "run",
        callbacks=[told],
        first_steps=0,
    ).fit(
        loader(table, batch_size=24, shuffle=False, tasks=[task]),
        loader(table, batch_size=24, shuffle=False, tasks=[task]),
    )
    text = "on the validation data, one class only is predicted, and labels have more: 'whole' by"
    assert out.getvalue().count(text) == 1
    run = read_run(tmp_path / "run")
    assert [text in each.text for each in run.warnings] == [True]
    assert run.best is not None
    assert run.best.one_class == {"kind": "whole"}
    assert sum(text in each.text for each in notices(run)) == 1
