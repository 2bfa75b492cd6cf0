"""When the Trainer calls each hook."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from plait.balancing import Equal
from plait.training import Callback, Trainer
from tests.training.problem import model, train_loader, val_loader

HOOKS = [name for name, _ in inspect.getmembers(Callback, inspect.isfunction)]


def recorder(fail: str = "") -> Any:
    """A callback that keeps the names of its calls; the hook `fail` raises."""
    calls: list[str] = []

    def hook(name: str) -> Any:
        def call(self: Callback, trainer: Trainer, *more: object) -> None:
            assert isinstance(trainer, Trainer)
            calls.append(name)
            if name == fail:
                raise RuntimeError("the hook fails")

        return call

    made = type("Recorder", (Callback,), {name: hook(name) for name in HOOKS})()
    made.calls = calls
    return made


def trained(callback: Callback, run: Path | None = None, epochs: int = 2) -> Trainer:
    made = Trainer(model(), Equal(), epochs=epochs, device="cpu", run=run, callbacks=[callback])
    made.fit(train_loader(), val_loader())
    return made


def test_the_hooks_frame_steps_epochs_and_the_training() -> None:
    callback = recorder()
    trainer = trained(callback)
    steps = trainer.state.step // 2
    epoch = ["on_step_end"] * steps + ["on_validation_end", "on_epoch_end"]
    assert callback.calls == ["on_train_start", *epoch, *epoch, "on_train_end"]


def test_a_checkpoint_is_told_after_it_was_written(tmp_path: Path) -> None:
    callback = recorder()
    trained(callback, tmp_path / "run", epochs=1)
    assert callback.calls.count("on_save") == 2  # before the first step, and after the epoch


def test_a_hook_that_does_nothing_is_enough() -> None:
    trained(Callback(), epochs=1)


@pytest.mark.parametrize("hook", ["on_train_start", "on_step_end", "on_epoch_end"])
def test_an_exception_in_a_hook_ends_the_run_and_is_told(hook: str) -> None:
    callback = recorder(fail=hook)
    with pytest.raises(RuntimeError, match="the hook fails"):
        trained(callback, epochs=1)
    assert callback.calls[-1] == "on_exception"
    assert "on_train_end" not in callback.calls
