"""Which hook is called when."""

from pathlib import Path

import pytest

from plait.training import Callback, Trainer
from tests.training.problem import StopAt, Stopped, events, model, train_loader, val_loader


class Order(Callback):
    """Notes every event of every callback."""

    def __init__(self, log: list[str], name: str = "") -> None:
        for event in vars(Callback):
            if event.startswith("on_"):
                setattr(self, event, lambda *_, event=event: log.append(name + event[3:]))


def test_callbacks_are_told_in_order(tmp_path: Path) -> None:
    log: list[str] = []
    trainer = Trainer(
        model(), epochs=2, device="cpu", run=tmp_path, callbacks=[Order(log)], accumulate=3
    )
    trainer.fit(train_loader(), val_loader())
    epoch = ["step_end", "step_end", "save", "validation_end", "epoch_end", "save"]
    assert log == ["save", "train_start", *epoch, *epoch, "train_end"]


def test_each_event_is_told_in_the_order_of_the_callbacks() -> None:
    log: list[str] = []
    both = [Order(log, "a "), Order(log, "b ")]
    Trainer(model(), epochs=1, device="cpu", callbacks=both).fit(train_loader())
    assert log[::2] == [f"a {each[2:]}" for each in log[1::2]]


def test_an_exception_is_told_and_raised(tmp_path: Path) -> None:
    log: list[str] = []
    told: list[BaseException] = []

    class Told(Order):
        def on_exception(self, trainer: Trainer, error: BaseException) -> None:
            told.append(error)

    noting = Told(log)
    del noting.__dict__["on_exception"]
    trainer = Trainer(
        model(),
        epochs=2,
        device="cpu",
        run=tmp_path,
        callbacks=[noting, StopAt("on_step_end", 2)],
    )
    with pytest.raises(Stopped) as caught:
        trainer.fit(train_loader())
    assert told == [caught.value]
    assert log == ["save", "train_start", "step_end", "step_end"]
    steps = [event["step"] for event in events(tmp_path) if event["event"] == "step"]
    assert steps == [1, 2], "the log is on the disk"


def test_a_hook_that_is_not_overridden_does_nothing() -> None:
    Trainer(model(), epochs=1, device="cpu", callbacks=[Callback()]).fit(
        train_loader(), val_loader()
    )
