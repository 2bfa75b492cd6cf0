"""The Trainer joins like heads while it trains, and ends where separate heads end."""

import json
import math
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import nn

import plait.balancing
from plait.data import InMemory, loader
from plait.model import MultiTaskModel
from plait.regularization import Successive
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import Callback, ProgressBar, Trainer
from tests.training.problem import StopAt, Stopped, assert_same_model, assert_same_run

TASKS, SIZE, BATCH, EPOCHS = 12, 18, 4, 2


class Apart(torch.optim.AdamW):
    """A class of its own, whose steps might be others: heads stay apart."""


def data() -> InMemory:
    """Of every label half are missing, so that tasks are absent from many batches."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(SIZE, 3, generator=generator, dtype=torch.float64)
    labels = inputs @ torch.randn(3, TASKS, generator=generator, dtype=torch.float64)
    labels[torch.rand(SIZE, TASKS, generator=generator) < 0.7] = math.nan
    labels[: 2 * TASKS // BATCH] = labels[: 2 * TASKS // BATCH].nan_to_num(1.0)
    return InMemory(inputs, {f"t{n}": labels[:, n : n + 1] for n in range(TASKS)})


def model(**options: Any) -> MultiTaskModel:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Dropout(0.2)).double()
    tasks = [Regression(f"t{n}", mean=0.0, scale=1.0, hidden=(3,)) for n in range(TASKS)]
    example = torch.zeros(2, 3, dtype=torch.float64)
    return MultiTaskModel(Hard(encoder), tasks, example=example, **options)


def trainer(run: Path | None = None, *, name: str = "Equal", **options: Any) -> Trainer:
    settings: dict[str, Any] = {
        "lr": 0.01,
        "weight_decay": 0.1,
        "epochs": EPOCHS,
        "device": "cpu",
        "clip": 1.0,
        "run": run,
        "progress": False,
        "checkpoint_every": 2,
    }
    of = options.pop("of", None) or model()
    return Trainer(of, getattr(plait.balancing, name)(), **{**settings, **options})


def fit(made: Trainer, **options: Any) -> Trainer:
    train = loader(data(), batch_size=BATCH, shuffle=True)
    made.fit(train, loader(data(), batch_size=9, shuffle=False), **options)
    return made


class Seen(Callback):
    """What a training shows while it runs."""

    def __init__(self) -> None:
        self.heads: set[str] = set()
        self.held: set[int] = set()
        self.numbers: list[Any] = []

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        self.heads.add(str(trainer.heads))
        self.held.add(sum(len(group["params"]) for group in trainer.optimizer.param_groups))
        balance = record.balance
        self.numbers.append(
            [
                list(record.losses.values()),
                balance.weights,
                balance.norms,
                balance.cosines,
                [record.gradient_norm],
            ]
        )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Equal", {"measure_every": 2}),
        ("Equal", {"accumulate": 2}),
        ("UncertaintyWeights", {}),
        ("DWA", {}),
        ("UPGrad", {}),
        ("GradDrop", {}),
    ],
)
def test_training_ends_as_with_separate_heads(
    name: str, options: dict[str, Any], double: None
) -> None:
    """Parameters, losses, weights, norms and cosines, over all steps."""
    seen, found = [], []
    for optimizer in (Apart, torch.optim.AdamW):
        seen.append(Seen())
        made = trainer(name=name, optimizer=optimizer, callbacks=[seen[-1]], **options)
        found.append(fit(made).model)
    torch.testing.assert_close(*(each.state_dict() for each in found), rtol=1e-10, atol=1e-10)
    for ours, theirs in zip(seen[1].numbers, seen[0].numbers, strict=True):
        for mine, other in zip(ours, theirs, strict=True):
            assert (mine is None) == (other is None)
            if mine is not None:
                torch.testing.assert_close(
                    torch.tensor(mine), torch.tensor(other), rtol=1e-6, atol=1e-9
                )
    assert seen[1].heads == {"12 heads are one block of the optimizer"}
    assert seen[0].heads == {
        "heads stay apart: Apart is not known to act element by element, as SGD, Adam and AdamW do"
    }
    assert max(seen[1].held) < 12 < min(seen[0].held) or name == "UncertaintyWeights"


def test_a_proximal_step_of_the_model() -> None:
    """It reads the learning rate of the heads, and moves those of absent tasks."""
    found = []
    for optimizer in (Apart, torch.optim.AdamW):
        tie = Successive(strength=0.5, mode="prox", heads=True)
        found.append(fit(trainer(of=model(regularization=tie), optimizer=optimizer)).model)
    torch.testing.assert_close(*(each.state_dict() for each in found), rtol=1e-10, atol=1e-10)


class Freezing(Callback):
    """Freezes a head in the middle of the training."""

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        if trainer.state.step == 3:
            trainer.model.freeze("heads.*t4*")


def test_a_head_that_a_callback_freezes() -> None:
    kinds = (Apart, torch.optim.AdamW)
    found = [fit(trainer(optimizer=kind, callbacks=[Freezing()])).model for kind in kinds]
    torch.testing.assert_close(*(each.state_dict() for each in found), rtol=1e-10, atol=1e-10)


STOPS = [("on_step_end", 1), ("on_step_end", 4), ("on_step_end", 7), ("on_validation_end", 2)]


@pytest.mark.parametrize("stop", STOPS)
def test_a_resumed_run_is_the_uninterrupted_one(stop: tuple[str, int], tmp_path: Path) -> None:
    whole = fit(trainer(tmp_path / "whole"))
    with pytest.raises(Stopped):
        fit(trainer(tmp_path / "part", callbacks=[StopAt(*stop)]))
    resumed = fit(trainer(tmp_path / "part"), resume=True)
    assert_same_model(resumed.model, whole.model)
    assert_same_run(tmp_path / "part", tmp_path / "whole")


def test_a_checkpoint_by_hand_is_one_of_the_training(tmp_path: Path) -> None:
    """Saved when the heads are apart, read when they are joined."""
    first = fit(trainer(tmp_path, epochs=1))
    first.save()
    assert fit(trainer(tmp_path), resume=True).state.epoch == EPOCHS


def test_after_the_training_nothing_is_joined() -> None:
    made = trainer(callbacks=[StopAt("on_step_end", 3)])
    before = [id(p) for group in made.optimizer.param_groups for p in group["params"]]
    with pytest.raises(Stopped):
        fit(made)
    after = [p for group in made.optimizer.param_groups for p in group["params"]]
    assert list(map(id, after)) == before
    assert {len(made.optimizer.state[p]) for p in after} == {3}  # step and two averages


def test_it_is_said(tmp_path: Path) -> None:
    text = StringIO()
    bar = ProgressBar(console=Console(file=text, width=100))
    fit(trainer(tmp_path, epochs=1, callbacks=[bar], progress=True))
    told = "12 heads are one block of the optimizer"
    assert text.getvalue().splitlines()[0] == told
    assert json.loads((tmp_path / "trainer.json").read_text())["heads"] == told
