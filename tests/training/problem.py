"""A small problem with everything that makes resuming hard, and exact comparison of two runs."""

import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy
from torchmetrics.regression import MeanAbsoluteError

import plait.balancing
from plait.balancing import Balancer
from plait.core.lookup import names
from plait.data import InMemory, collate, loader
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import BaseTask, Classification, Regression
from plait.training import Callback, Trainer
from tests.logged_steps import lines_of

EVERY_BALANCER = names(plait.balancing, Balancer)
# Of each kind: none, learned weights, draws, Gramian, epochs, last layer, rows kept, tasks in turn
BALANCERS = [
    "Equal",
    "UncertaintyWeights",
    "PCGrad",
    "UPGrad",
    "DWA",
    "GradNorm",
    "MoCo",
    "StaleRows",
]
SIZE, BATCH, EPOCHS = 18, 4, 2  # 5 batches in an epoch; with accumulation of 2, 3 steps
STEPS = 3  # in an epoch


def balancer(name: str) -> Balancer:
    made: Balancer = getattr(plait.balancing, name)()
    return made


def data(size: int = SIZE, *, missing: bool = True, seed: int = 0) -> InMemory:
    """Three tasks on vectors; `rare` has three labels, so that many batches have none of it."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(size, 6, generator=generator)
    kind = (inputs @ torch.randn(6, 3, generator=generator)).argmax(dim=1)
    amount = inputs[:, :2].sum(dim=1, keepdim=True) + 2
    rare = inputs[:, 2:3] - inputs[:, 3:4]
    if missing:
        kind[::5] = -100
        rare[torch.arange(size) % 7 != 2] = math.nan
    return InMemory(inputs, {"kind": kind, "amount": amount, "rare": rare})


def tasks() -> list[BaseTask]:
    """With one metric each, since most of the time of these tests would go into metrics."""

    def error() -> dict[str, Metric]:
        return {"mae": MeanAbsoluteError()}

    accuracy = MulticlassAccuracy(3, average="micro")
    return [
        Classification("kind", classes=3, metrics={"accuracy": accuracy}),
        Regression("amount", mean=0.0, scale=1.0, metrics=error()),
        Regression("rare", mean=0.0, scale=1.0, metrics=error()),
    ]


def model(*, seed: int = 0, statistics: bool = True) -> MultiTaskModel:
    """Batch normalisation and dropout, unless `statistics` is false."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        between = [nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3)] if statistics else [nn.Tanh()]
        encoder = nn.Sequential(nn.Linear(6, 8), *between, nn.Linear(8, 5))
    return MultiTaskModel(Hard(encoder), tasks(), example=torch.zeros(2, 6), seed=seed)


def scheduler(optimizer: torch.optim.Optimizer) -> Any:
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=EPOCHS * STEPS)


def trainer(
    run: Path | None,
    balancer_name: str = "Equal",
    *,
    of: MultiTaskModel | None = None,
    **options: Any,
) -> Trainer:
    """AdamW with decay, a scheduler and accumulation of 2; of `model()` by default."""
    settings: dict[str, Any] = {
        "lr": 0.01,
        "weight_decay": 0.1,
        "scheduler": scheduler,
        "epochs": EPOCHS,
        "device": "cpu",
        "accumulate": 2,
        "clip": 1.0,
        "run": run,
        "measure_every": 2,
        "checkpoint_every": 2,
    }
    return Trainer(of or model(), balancer(balancer_name), **{**settings, **options})


# --- loaders --------------------------------------------------------------------------------


class Noisy(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """Examples with noise from the global generators of torch, NumPy and Python."""

    def __init__(self, source: InMemory) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        inputs, targets = self.source[index]
        noise = torch.randn(6) + float(np.random.randn()) + random.gauss(0, 1)
        return inputs + 0.1 * noise, targets


class OwnNoise(Noisy):
    """Examples with noise from a generator that the data set owns."""

    def __init__(self, source: InMemory) -> None:
        super().__init__(source)
        self.generator = torch.Generator().manual_seed(5)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        inputs, targets = self.source[index]
        return inputs + 0.1 * torch.randn(6, generator=self.generator), targets


def _weighted(generator: torch.Generator | None = None) -> WeightedRandomSampler:
    weights = torch.linspace(0.1, 1, SIZE).tolist()
    return WeightedRandomSampler(weights, num_samples=SIZE, generator=generator)


def _torch(dataset: Dataset[Any], **options: Any) -> DataLoader[Any]:
    return DataLoader(dataset, batch_size=BATCH, collate_fn=collate, **options)


def _own(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


LOADERS: dict[str, Callable[[], Any]] = {
    "plain": lambda: _torch(data(), shuffle=True),
    "workers": lambda: _torch(data(), shuffle=True, num_workers=2),
    "random transform": lambda: _torch(Noisy(data()), shuffle=True),
    "random transform in workers": lambda: _torch(Noisy(data()), shuffle=True, num_workers=2),
    "weighted sampler": lambda: _torch(data(), sampler=_weighted()),
    "sampler with its own generator": lambda: _torch(data(), sampler=_weighted(_own(3))),
    "own generator": lambda: _torch(Noisy(data()), shuffle=True, generator=_own(4)),
    "own generator and workers": lambda: _torch(
        Noisy(data()), shuffle=True, num_workers=2, generator=_own(4)
    ),
    "data set with its own generator": lambda: _torch(OwnNoise(data()), shuffle=True),
    "plait": lambda: loader(data(), batch_size=BATCH, shuffle=True, seed=1),
    "plait, random transform": lambda: loader(
        Noisy(data()), batch_size=BATCH, shuffle=True, seed=1
    ),
    "plait, workers": lambda: loader(
        Noisy(data()), batch_size=BATCH, shuffle=True, seed=1, workers=2
    ),
    "list": lambda: list(loader(data(), batch_size=BATCH, shuffle=True)),
}


def train_loader(kind: str = "plait") -> Any:
    return LOADERS[kind]()


def val_loader() -> DataLoader[Any]:
    return loader(data(24, seed=1), batch_size=8, shuffle=False)


# --- interruptions --------------------------------------------------------------------------


class Stopped(Exception):
    """The power went out."""


class StopAt(Callback):
    """Ends the training the n-th time that something happens."""

    def __init__(self, event: str, count: int) -> None:
        self.left = count
        setattr(self, event, self._count)

    def _count(self, trainer: Trainer, *values: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise Stopped


# --- comparison -----------------------------------------------------------------------------


def differences(first: Any, second: Any, path: str = "") -> Iterator[str]:
    """Where two nested states are not equal to the last bit."""
    if isinstance(first, dict) != isinstance(second, dict):
        yield f"{path}: {type(first).__name__} and {type(second).__name__}"
    elif isinstance(first, Tensor):
        same = first.dtype == second.dtype and first.shape == second.shape
        if not same or first.numpy().tobytes() != second.numpy().tobytes():  # NaN is NaN
            yield f"{path}: {first} and {second}"
    elif isinstance(first, dict):
        if list(first) != list(second):
            yield f"{path}: {list(first)} and {list(second)}"
        for key in first.keys() & second.keys():
            yield from differences(first[key], second[key], f"{path}.{key}")
    elif isinstance(first, list | tuple):
        if len(first) != len(second):
            yield f"{path}: {len(first)} and {len(second)} entries"
        for position, (a, b) in enumerate(zip(first, second, strict=False)):
            yield from differences(a, b, f"{path}[{position}]")
    elif first != second:
        yield f"{path}: {first!r} and {second!r}"


def events(run: Path) -> list[dict[str, Any]]:
    """The lines of events.jsonl, steps by name; the time that they took is left out."""
    return [
        {key: value for key, value in each.items() if key != "seconds"} for each in lines_of(run)
    ]


def header(run: Path) -> str:
    """The first line of events.jsonl, the only one with names."""
    first, *rest = (run / "events.jsonl").read_text().splitlines()
    assert first.startswith('{"event": "tasks"') and not any('"tasks"' in line for line in rest)
    return first


def saved(run: Path, name: str = "last.pt") -> dict[str, Any]:
    """A checkpoint; the time that it took, and what depends on its digits, is left out."""
    state: dict[str, Any] = torch.load(run / "checkpoints" / name, weights_only=True)
    state.pop("log_size", None)
    state.get("state", {}).pop("seconds", None)
    return state


def assert_same_run(first: Path, second: Path) -> None:
    """Weights, buffers, balancer, optimizer, scheduler, generators and events: to the last bit."""
    for name in ("last.pt", "best.pt"):
        found = list(differences(saved(first, name), saved(second, name), name))
        assert not found, found[:3]
    assert events(first) == events(second)
    assert header(first) == header(second)


def assert_same_model(first: nn.Module, second: nn.Module) -> None:
    found = list(differences(first.state_dict(), second.state_dict()))
    assert not found, found[:3]
