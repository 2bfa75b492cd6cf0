"""How often a step of the Trainer waits for the device."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import plait.balancing
from plait.data import InMemory, loader
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Classification, Regression
from plait.training import Callback, StepRecord, Trainer
from tests.engine.reads import Reads

# Beside the one read of a step: losses are read again after it, and the look-ahead has its own
EXPECTED = {
    "Equal": 1,
    "UncertaintyWeights": 1,
    "DWA": 1,
    "UPGrad": 1,
    "MoDo": 1,
    "GradDrop": 1,
    "FAMO": 3,
}
STEPS, LOG_EVERY = 12, 4


class Count(Callback):
    """Notes how often each step has waited, from the end of the one before."""

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self.steps: list[list[str]] = []
        self.seen = 0

    def on_train_start(self, trainer: Trainer) -> None:
        self.seen = self.reads.count

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        self.steps.append(self.reads.names[self.seen :])
        self.seen = self.reads.count


def train(name: str, run: Path | None, **options: Any) -> list[list[str]]:
    reads = Reads()
    counted = Count(reads)
    with reads:
        body = nn.Sequential(nn.Linear(5, 6), nn.ReLU())
        tasks = [Regression("amount"), Classification("kind", classes=3)]
        made = MultiTaskModel(Hard(body), tasks, example=torch.zeros(2, 5))
        balancer = getattr(plait.balancing, name)()
        size = 4 * STEPS * balancer.batches
        numbers = np.random.default_rng(0).normal(size=(size, 6)).astype(np.float32)
        table = torch.from_numpy(numbers)  # on the host
        data = InMemory(table[:, :5], {"amount": table[:, 5:], "kind": torch.arange(size) % 3})
        trainer = Trainer(
            made,
            balancer,
            optimizer=torch.optim.SGD,
            epochs=1,
            device="cpu",
            run=run,
            log_every=LOG_EVERY,
            callbacks=[counted],
            **options,
        )
        trainer.fit(loader(data, batch_size=4, shuffle=True))
    return counted.steps


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("name", EXPECTED)
def test_a_step_waits_once_for_the_device(name: str, clip: float | None) -> None:
    steps = train(name, None, clip=clip)
    assert len(steps) == STEPS
    for found in steps[2:]:  # the second step looks once whether learned weights move
        assert len(found) == EXPECTED[name], found


def test_the_log_waits_once_for_all_steps_between_two_writes(tmp_path: Path) -> None:
    steps = train("Equal", tmp_path / "run")
    for number, found in enumerate(steps[1:], start=2):
        writes = number % LOG_EVERY == 0
        assert len(found) == (2 if writes else 1), (number, found)
