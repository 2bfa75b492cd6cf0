"""Steps of a training leave no tensor in a circle, which Python would free much later."""

from contextlib import ExitStack
from typing import Any

import pytest
import torch
from torch import nn

from plait.balancing import FAMO, AutoLambda, Balancer, Equal, MoDo, UncertaintyWeights, UPGrad
from plait.data import InMemory, loader
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Classification, Regression
from plait.training import Callback, StepRecord, Trainer
from tests.distributed.group import Group
from tests.engine.garbage import left_behind

CASES: dict[str, tuple[type[Balancer], dict[str, Any]]] = {
    "one pass": (Equal, {}),
    "learned": (UncertaintyWeights, {"clip": 1.0}),
    "rows": (UPGrad, {}),
    "labels": (UPGrad, {"route": "labels"}),
    "features": (UPGrad, {"at": "features"}),
    "micro-batches": (UPGrad, {"accumulate": 2}),
    "re-used": (UPGrad, {"every": 2}),
    "losses, read again": (FAMO, {}),
    "two batches": (MoDo, {}),
    "look-ahead": (AutoLambda, {}),
    "measured": (Equal, {"measure_every": 1}),
    "skipped": (UPGrad, {"nonfinite": "skip"}),
}
FIRST, LAST = 4, 7  # steps


class Watch(Callback):
    """Notes the tensors that the steps after the first ones leave behind."""

    def __init__(self) -> None:
        self.found: list[str] = []  # as text
        self._open = ExitStack()

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        if trainer.state.step == FIRST:
            self._left = self._open.enter_context(left_behind())
        elif trainer.state.step == LAST:
            self._open.close()
            self.found += [str(each) for each in self._left if isinstance(each, torch.Tensor)]
            self._left.clear()


def left_by(name: str) -> list[str]:
    """Trains, and returns the tensors that some steps have left behind."""
    method, options = CASES[name]
    inputs = torch.randn(96, 5)
    if name == "skipped":
        inputs[::8] = torch.inf
    tasks = [Regression("amount"), Classification("kind", classes=3)]
    model = MultiTaskModel(
        Hard(nn.Sequential(nn.Linear(5, 6), nn.ReLU())), tasks, example=torch.zeros(2, 5)
    )
    data = InMemory(inputs, {"amount": torch.randn(96, 1), "kind": torch.arange(96) % 3})
    watch = Watch()
    trainer = Trainer(
        model, method(), epochs=2, device="cpu", progress=False, callbacks=[watch], **options
    )
    trainer.fit(loader(data, batch_size=8, shuffle=False, tasks=tasks))
    assert trainer.state.step > LAST
    assert bool(trainer.state.skipped) == (name == "skipped")
    return watch.found


@pytest.mark.parametrize("name", CASES)
def test_steps_leave_no_circles(name: str) -> None:
    assert left_by(name) == []


@pytest.mark.parametrize("name", ["one pass", "rows", "look-ahead"])
def test_nor_do_they_in_several_processes(two: Group, name: str) -> None:
    assert two(left_by, name) == [[], []]
