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


class Last(Callback):
    """The losses of the last step, and the score and metrics of each epoch."""

    def __init__(self) -> None:
        self.losses: dict[str, float] = {}
        self.lines: list[str] = []
        self.validation = ""

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        self.losses = record.losses

    def on_validation_end(self, trainer: Trainer, evaluation: Any, score: float) -> None:
        mains = {task: next(iter(each.items())) for task, each in evaluation.metrics.items()}
        shown = "  ".join(f"{task}/{name} {value:.4g}" for task, (name, value) in mains.items())
        self.validation = f"  val {shown}  score {score:.4f}"

    def on_epoch_end(self, trainer: Trainer) -> None:
        losses = "  ".join(f"{name} {value:.4g}" for name, value in self.losses.items())
        self.lines.append(f"joint  epoch {len(self.lines) + 1}/3  {losses}{self.validation}  T s")


def shown(console: Console, **options: Any) -> Last:
    last = Last()
    settings: dict[str, Any] = {"lr": 0.01, "epochs": 3, "device": "cpu", **options}
    val = settings.pop("val", None)
    bar = ProgressBar("joint", console=console)
    Trainer(model(), callbacks=[bar, last], **settings).fit(train_loader(), val)
    return last


def untimed(text: str) -> list[str]:
    return [re.sub(r"\d+ s$", "T s", line) for line in text.splitlines()]


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("validated", [False, True])
def test_plain_lines_where_there_is_no_terminal(validated: bool, accumulate: int) -> None:
    """One line for each epoch, numbered from 1, with its last losses and its validation."""
    out = StringIO()
    last = shown(Console(file=out), val=val_loader() if validated else None, accumulate=accumulate)
    assert untimed(out.getvalue()) == last.lines
    assert len(last.lines) == 3
    assert "\x1b" not in out.getvalue()
    assert all(("score" in line) == validated for line in last.lines)


def test_of_many_tasks_the_first_eight_are_shown() -> None:
    tasks = [Regression(f"t{i}") for i in range(11)]
    inputs = torch.zeros(4, 3)
    many = MultiTaskModel(Hard(nn.Linear(3, 2)), tasks, example=inputs)
    batch = (inputs, {task.name: torch.randn(4) for task in tasks})
    out = StringIO()
    bar = ProgressBar(console=Console(file=out))
    Trainer(many, epochs=1, device="cpu", callbacks=[bar]).fit([batch], [batch])
    losses, validation = out.getvalue().split("  val ")
    assert re.findall(r"t\d+ ", losses) == [f"t{i} " for i in range(8)]
    assert losses.endswith("  and 3 more")
    assert re.findall(r"t\d+/mae", validation) == [f"t{i}/mae" for i in range(8)]
    assert "  and 3 more  score" in validation


class Refreshed(Callback):
    """Draws the bar at each step, and not ten times in a second as its own thread does."""

    def __init__(self, bar: ProgressBar) -> None:
        self.bar = bar

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        assert self.bar._bar is not None
        self.bar._bar.refresh()


def test_a_bar_on_a_terminal() -> None:
    out, last = StringIO(), Last()
    bar = ProgressBar("joint", console=Console(force_terminal=True, file=out, width=200))
    trainer = Trainer(
        model(), lr=0.01, epochs=3, device="cpu", callbacks=[bar, Refreshed(bar), last]
    )
    trainer.fit(train_loader(), val_loader())
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    for line in last.lines:
        assert line.removesuffix("  T s") in text
    for epoch in (1, 2, 3):
        for step in range(1, 6):
            assert re.search(rf"joint  epoch {epoch}/3 [━╸╺ ]+ {step}/5 ", text)
    assert "epoch 4" not in text
    assert out.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K"), "cursor back, bar gone"


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
    assert re.search(r"\[bold\]run  epoch 1/1  depth\[m\] \d", out.getvalue())


def test_without_a_length_the_bar_has_no_end() -> None:
    class NoLength:
        def __iter__(self) -> Any:
            return iter(train_loader())

    out = StringIO()
    bar = ProgressBar(console=Console(force_terminal=True, file=out, width=200))
    Trainer(model(), epochs=1, device="cpu", callbacks=[bar, Refreshed(bar)]).fit(NoLength())
    assert "5/?" in out.getvalue()


def test_it_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Trainer(model(), epochs=1, device="cpu", callbacks=[ProgressBar()]).fit(train_loader())
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 1/1" in err
