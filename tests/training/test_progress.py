"""Progress: one plain line for each epoch where there is no terminal, a bar where there is."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import nn

from plait.data import InMemory, loader
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import Callback, ProgressBar, Trainer
from tests.training.problem import StopAt, Stopped, model, train_loader, val_loader


class Epochs(Callback):
    """The losses of the steps, weighted by labels, and the score and metrics of each epoch."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[float, float]] = {}
        self.validation: list[str] = []
        self.rows: list[list[str]] = []

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        for task, loss in record.losses.items():
            total, labels = self.sums.get(task, (0.0, 0.0))
            n = record.counts[task]
            self.sums[task] = total + n * loss, labels + n

    def on_validation_end(self, trainer: Trainer, evaluation: Any, score: float) -> None:
        self.validation = [f"{next(iter(m.values())):.4g}" for m in evaluation.metrics.values()]
        self.validation.append(f"{score:.4f}")

    def on_epoch_end(self, trainer: Trainer) -> None:
        means = [f"{total / n:.4g}" for total, n in self.sums.values()]
        self.sums, values, score = {}, self.validation[:-1], self.validation[-1:]
        pairs = [list(pair) for pair in zip(means, values, strict=True)] if values else [means]
        flat = [each for pair in pairs for each in pair]
        self.rows.append([f"{trainer.state.epoch}/{trainer.options.epochs}", *flat, *score])


def shown(console: Console, **options: Any) -> Epochs:
    epochs = Epochs()
    settings: dict[str, Any] = {"lr": 0.01, "epochs": 3, "device": "cpu", **options}
    val = settings.pop("val", None)
    bar = ProgressBar("joint", console=console)
    Trainer(model(), callbacks=[bar, epochs], **settings).fit(train_loader(), val)
    return epochs


def rows(text: str) -> list[list[str]]:
    """The cells of each epoch's line, without its time."""
    lines = [line.split() for line in text.splitlines()]
    return [cells[:-2] for cells in lines if cells and re.fullmatch(r"\d+/\d+", cells[0])]


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("validated", [False, True])
def test_a_line_for_each_epoch_where_there_is_no_terminal(validated: bool, accumulate: int) -> None:
    """Numbered from 1, with the mean losses of the epoch and its validation."""
    out = StringIO()
    val = val_loader() if validated else None
    epochs = shown(Console(file=out), val=val, accumulate=accumulate)
    assert rows(out.getvalue()) == epochs.rows
    assert len(epochs.rows) == 3
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().count("  epoch") == 1, "one head"
    assert out.getvalue().count("still improving: the last epoch, 3, is the best") == validated
    assert ("(skill)" in out.getvalue()) == validated
    lines = [line for line in out.getvalue().splitlines() if "improving" not in line]
    assert lines[0].strip() == "joint"
    assert len({len(line) for line in lines[1:]}) == 1, "aligned"


def test_it_is_shown_by_default_and_silent_if_not_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Trainer(model(), epochs=1, device="cpu").fit(train_loader())
    out, err = capsys.readouterr()
    assert out == ""
    assert "1/1" in err
    Trainer(model(), epochs=1, device="cpu", progress=False).fit(train_loader())
    assert capsys.readouterr() == ("", "")


def test_a_bar_of_the_users_own_is_the_only_one(capsys: pytest.CaptureFixture[str]) -> None:
    out = StringIO()
    bar = ProgressBar(console=Console(file=out))
    trainer = Trainer(model(), epochs=1, device="cpu", callbacks=[bar])
    trainer.fit(train_loader())
    assert trainer.callbacks == [bar]
    assert capsys.readouterr() == ("", "")


class Refreshed(Callback):
    """Draws the bar at each step, and not ten times in a second as its own thread does."""

    def __init__(self, bar: ProgressBar) -> None:
        self.bar = bar

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        assert self.bar._bar is not None
        self.bar._bar.refresh()


def test_a_bar_on_a_terminal() -> None:
    out, epochs = StringIO(), Epochs()
    bar = ProgressBar("joint", console=Console(force_terminal=True, file=out, width=200))
    trainer = Trainer(
        model(), lr=0.01, epochs=3, device="cpu", callbacks=[bar, Refreshed(bar), epochs]
    )
    trainer.fit(train_loader(), val_loader())
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert [row for row in rows(text) if row] == epochs.rows
    for epoch in (1, 2, 3):
        for step in range(1, 6):
            assert re.search(rf"joint  epoch {epoch}/3 [━╸╺ ]+ {step}/5 ", text)
    assert "epoch 4" not in text
    *_, end = out.getvalue().rpartition("\x1b[?25h\r\x1b[1A\x1b[2K")  # cursor back, bar gone
    assert end.startswith("still improving: the last epoch, 3, is the best")


def test_the_bar_moves_with_each_step_and_starts_anew_in_each_epoch() -> None:
    bar = ProgressBar(console=Console(force_terminal=True, file=StringIO()))
    seen: list[tuple[float, float | None]] = []

    class Look(Callback):
        def on_step_end(self, trainer: Trainer, record: Any) -> None:
            assert bar._bar is not None
            (task,) = bar._bar.tasks
            seen.append((task.completed, task.total))

    trainer = Trainer(model(), epochs=2, device="cpu", accumulate=2, callbacks=[bar, Look()])
    trainer.fit(train_loader())
    assert seen == [(1, 3), (2, 3), (3, 3)] * 2
    assert bar._bar is None, "closed at the end"


def test_the_bar_of_a_resumed_run_starts_where_the_run_was(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "epochs": 2,
        "device": "cpu",
        "accumulate": 2,
        "checkpoint_every": 1,
        "run": tmp_path,
    }
    stopped = ProgressBar(console=Console(force_terminal=True, file=StringIO()))
    with pytest.raises(Stopped):
        Trainer(model(), callbacks=[stopped, StopAt("on_step_end", 3)], **options).fit(
            train_loader()
        )
    assert stopped._bar is None, "closed after an error"
    out, completed = StringIO(), []
    bar = ProgressBar(console=Console(force_terminal=True, file=out, width=200))

    class Look(Callback):
        def on_train_start(self, trainer: Trainer) -> None:
            assert bar._bar is not None
            completed.append(bar._bar.tasks[0].completed)

    Trainer(model(), callbacks=[bar, Look()], **options).fit(train_loader(), resume=True)
    assert completed == [2]
    assert "epoch 1/2" in out.getvalue()
    assert "epoch 3" not in out.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_brackets_in_names_are_shown(terminal: bool) -> None:
    """Rich would take them for markup."""
    out = StringIO()
    names = InMemory(torch.randn(4, 2), {"depth[m]": torch.randn(4, 1)})
    made = MultiTaskModel(Hard(nn.Identity()), [Regression("depth[m]")], example=torch.zeros(2, 2))
    bar = ProgressBar("[bold]run", console=Console(force_terminal=terminal, file=out, width=200))
    batches = loader(names, batch_size=2, shuffle=False)
    Trainer(made, epochs=1, device="cpu", callbacks=[bar]).fit(batches)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert "[bold]run" in text
    assert "depth[m]" in text


def test_without_a_length_the_bar_has_no_end() -> None:
    class NoLength:
        def __iter__(self) -> Any:
            return iter(train_loader())

    out = StringIO()
    bar = ProgressBar(console=Console(force_terminal=True, file=out, width=200))
    Trainer(model(), epochs=1, device="cpu", callbacks=[bar, Refreshed(bar)]).fit(NoLength())
    assert "5/?" in out.getvalue()
