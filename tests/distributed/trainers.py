"""One training of the Trainer, in one process or in each of several, on the same data."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, DistributedSampler, IterableDataset

from plait.balancing import (
    FAMO,
    FORUM,
    MOML,
    AutoLambda,
    Equal,
    LossSchedule,
    UncertaintyWeights,
    UPGrad,
)
from plait.connections import Consistency, CrossStitch
from plait.core.errors import PlaitError
from plait.data import InMemory, Mixture, Source, loader
from plait.data.streams.pieces import Piece, Stream
from plait.distributed import ranks
from plait.distributed.shards import whole_values
from plait.encoders import MLPEncoder
from plait.evaluation import evaluate
from plait.model import MultiTaskModel
from plait.regularization import MeanRegularized, TraceNorm
from plait.sharing import Hard, MMoE, Separate
from plait.tasks import Binary, Classification, Regression
from plait.training import Callback, Interrupted, Trainer

RANKS = sys.modules["plait.distributed.ranks"]  # whose name is that of a function as well
ROWS, BATCH = 31, 7
NAN = float("nan")


def data() -> InMemory:
    """Rows with labels of three tasks, many of them missing."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, 4))
    size = x[:, :1] * 2 - x[:, 1:2]
    size[::3] = NAN
    kind = (x[:, 2] > 0).astype(np.int64) + (x[:, 3] > 0.5)
    kind[5:19] = -100
    odd = (x.sum(axis=1) > 0).astype(np.float64)[:, None]
    targets = {"size": size, "kind": kind, "odd": odd}
    return InMemory(torch.tensor(x), {name: torch.tensor(each) for name, each in targets.items()})


def tasks() -> list[Any]:
    return [Regression("size"), Classification("kind", classes=3), Binary("odd")]


def model(sharing: Any = Hard, given: Any = None, **options: Any) -> MultiTaskModel:
    torch.manual_seed(0)
    encoder = MLPEncoder(in_features=4, widths=[8, 6]) if given is None else given
    return MultiTaskModel(sharing(encoder), tasks(), example=torch.zeros(2, 4), **options).double()


class Normalised(nn.Module):
    """An encoder with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(x)
        return found


def mixture() -> Mixture:
    whole = data()
    one = InMemory(whole.inputs[:20], {"size": whole.targets["size"][:20]})
    names = "kind", "odd"
    two = InMemory(whole.inputs[12:], {name: whole.targets[name][12:] for name in names})
    sources = {"one": Source(one, batch_size=5), "two": Source(two, batch_size=3)}
    return Mixture(sources, tasks=tasks())


def batches() -> Any:
    return loader(data(), batch_size=BATCH, shuffle=True, seed=3)


class Rows(IterableDataset[Any]):
    """Rows one after the other, which nobody can count before."""

    def __iter__(self) -> Iterator[Any]:
        whole = data()
        return ((whole[row][0], whole[row][1]) for row in range(ROWS))


class Tables(Stream):
    """The same rows in three tables."""

    def pieces(self, epoch: int, order: torch.Generator | None) -> Iterator[Piece]:
        whole = data()
        for first in (0, 10, 20):
            rows = slice(first, first + 10) if first < 20 else slice(20, ROWS)
            labels = {task: each[rows] for task, each in whole.targets.items()}
            table = InMemory(whole.inputs[rows], labels)
            yield Piece(len(table), partial(_same, table))


def _same(table: InMemory) -> Any:
    return table


def tables() -> Any:
    return loader(Tables(), batch_size=BATCH, shuffle=True, seed=3, buffer=12)


def stream() -> Any:
    return loader(Rows(), batch_size=BATCH, shuffle=True, seed=3)


Case = tuple[Callable[[], MultiTaskModel], Callable[[], Any], dict[str, Any]]
CASES: dict[str, Case] = {
    "hard": (model, UPGrad, {}),
    "one pass": (model, Equal, {"clip": 1.0}),
    "learned weights": (model, UncertaintyWeights, {"best": "kept"}),
    "read again": (model, FAMO, {"accumulate": 2}),
    "accumulated": (model, UPGrad, {"accumulate": 2}),
    "by label": (model, UPGrad, {"reduction": "label", "accumulate": 2}),
    "schedule": (model, Equal, {"schedule": lambda: LossSchedule({"odd": (0.5, 1.0)})}),
    "start counts": (model, Equal, {"start_counts": True}),
    "experts": (lambda: model(lambda e: MMoE(e, experts=2)), UPGrad, {}),
    "penalty of parameters": (
        lambda: model(Separate, regularization=[MeanRegularized(strength=0.1)]),
        Equal,
        {"accumulate": 2},
    ),
    "proximal step": (
        lambda: model(Separate, regularization=[TraceNorm(strength=0.01, mode="prox")]),
        Equal,
        {"optimizer": torch.optim.SGD},
    ),
    "connection": (lambda: model(Separate, connections=[CrossStitch()]), UPGrad, {}),
    "penalty of outputs": (
        lambda: model(Separate, connections=[Consistency(edges=[("size", "odd")])]),
        UPGrad,
        {"accumulate": 2},
    ),
    "features": (model, UPGrad, {"at": "features"}),
    "features at times": (model, UPGrad, {"at": "features", "every": 3}),
    "looks ahead": (model, AutoLambda, {"optimizer": torch.optim.SGD}),
    "looks ahead by label": (model, FORUM, {"reduction": "label"}),
    "looks ahead from a mixture": (model, MOML, {"data": mixture}),
    "mixture": (model, UPGrad, {"data": mixture}),
    "stream": (model, UPGrad, {"data": stream}),
    "stream of tables": (model, UPGrad, {"data": tables}),
}


def trainer(case: str, run: str | None = None, **more: Any) -> Trainer:
    make, balancer, options = CASES[case]
    options = {key: value for key, value in options.items() if key != "data"} | more
    if callable(options.get("schedule")):
        options["schedule"] = options["schedule"]()
    given: dict[str, Any] = {"epochs": 2, "lr": 0.02, "progress": False, "seed": 5, "device": "cpu"}
    return Trainer(make(), balancer(), run=run, **{**given, **options})


def fit(case: str, run: str | None = None, **more: Any) -> dict[str, Any]:
    """Trains, and returns what came of it."""
    resume = more.pop("resume", False)
    made = trainer(case, run, **more)
    train = CASES[case][2].get("data", batches)()
    state = made.fit(train, loader(data(), batch_size=10, shuffle=False), resume=resume)
    return {
        "model": whole_values(made.model.state_dict()),
        "score": state.best_score,
        "best": (state.best_epoch, state.best_epochs),
        "metrics": state.best_metrics,
        "constants": {
            (name, metric): made.model.tasks[name].constant(summary, prototype)
            for name, summary in made.labels.statistics.items()
            for metric, prototype in made.model.tasks[name].metric_prototypes.items()
        },
        "coverage": made.labels.coverage,
        "read": (state.examples, state.labels),
        "step": (state.epoch, state.step, state.skipped),
    }


class Kill(Callback):
    """Sends a signal to its own process after a step."""

    def __init__(self, step: int, rank: int) -> None:
        self.step, self.rank = step, rank

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        if trainer.state.step == self.step and ranks().rank == self.rank:
            os.kill(os.getpid(), signal.SIGTERM)


def interrupted(case: str, run: str, step: int, rank: int, **more: Any) -> tuple[int, int]:
    """Trains until one process is asked to stop; returns the signal, and the step by then."""
    made = trainer(case, run, callbacks=[Kill(step, rank)], **more)
    with pytest.raises(Interrupted) as stopped:
        made.fit(batches(), loader(data(), batch_size=10, shuffle=False))
    return stopped.value.signal, made.state.step


def refused(case: str, run: str) -> str:
    """Returns the error of a training."""
    with pytest.raises(PlaitError) as told:
        fit(case, run)
    return str(told.value)


def normalised() -> tuple[dict[str, Tensor], float]:
    """Returns the model after one step with batch normalisation, and its score."""
    torch.manual_seed(7 + ranks().rank)  # ranks start alike, whatever they have drawn
    made = Trainer(
        model(given=Normalised()), Equal(), epochs=1, lr=0.02, progress=False, device="cpu"
    )
    train = loader(data(), batch_size=30, shuffle=True, drop_last=True)
    state = made.fit(train, loader(data(), batch_size=10, shuffle=False))
    return {name: each.detach() for name, each in made.model.state_dict().items()}, state.best_score


class Counting(nn.Module):
    """An encoder that keeps a sum of what it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 6)
        self.register_buffer("total", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.total += x.detach().sum()
        found: Tensor = self.layer(x)
        return found


def told(what: str) -> str:
    """Returns the error of what several processes cannot do."""
    options: dict[str, Any] = {"epochs": 1, "progress": False, "device": "cpu"}
    with pytest.raises(PlaitError) as found:
        if what == "layers":
            Trainer(model(), UPGrad(), route="layers", **options)
        elif what == "buffer":
            Trainer(model(given=Counting()), Equal(), **options).fit(batches())
    return str(found.value)


def own_loader(kind: str) -> dict[str, Tensor]:
    """Trains on batches of examples that are put together one by one."""
    whole = data()
    rows = [(whole[i][0], whole[i][1]) for i in range(ROWS)]
    made = Trainer(model(), UPGrad(), epochs=2, lr=0.02, progress=False, device="cpu")
    train: Any
    if kind == "sampler":  # 31 rows are 16 for each, one of them twice; in one process all
        sampler = None if ranks().alone else DistributedSampler(rows, shuffle=False)
        train = DataLoader(rows, batch_size=32 // ranks().size, sampler=sampler)
    else:
        workers = 1 if kind == "workers" else 0
        train = loader(rows, batch_size=BATCH, shuffle=True, seed=3, workers=workers)
    made.fit(train)
    return {name: each.detach() for name, each in made.model.state_dict().items()}


def evaluated(only: int) -> float:
    """Returns a metric of all rows, at one rank alone; the others do not take part."""
    if ranks().rank != only:
        return -1.0
    found = evaluate(model(), loader(data(), batch_size=8, shuffle=False))
    return found.metrics["size"]["r2"] if "r2" in found.metrics["size"] else found.losses["size"]


class Count(Callback):
    """Counts how often processes wait for each other, from one end of a step to the next."""

    def __init__(self, step: int) -> None:
        self.step, self.found = step, 0
        self.exchange = RANKS._exchange

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        if trainer.state.step == self.step:
            RANKS._exchange = self.count
        elif trainer.state.step == self.step + 1:
            RANKS._exchange = self.exchange

    def count(self, collective: Any, *given: Any, **options: Any) -> None:
        self.found += 1
        self.exchange(collective, *given, **options)


def exchanges(case: str) -> int:
    """Returns the exchanges of a step."""
    watch = Count(2)
    trainer(case, callbacks=[watch], first_steps=0).fit(batches())
    return watch.found
