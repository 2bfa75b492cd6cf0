"""What a step costs beside its own work: a network of half a millisecond, in one thread."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.timing import interleaved
from plait import Backward, MultiTaskModel, Trainer
from plait.balancing import Balancer, Equal, UPGrad
from plait.data import InMemory, loader
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import Callback, StepRecord

BOUNDS = {"Equal": 1.5, "UPGrad": 2.2}  # times the loop by hand, with a run folder
ROWS, BATCH, EPOCHS = 8192, 64, 6
clock = time.perf_counter
BLOCK = 20  # steps that are timed together, as many as lie between two writes of the log
WARMUP = 2  # blocks

Batches = Callable[[], Iterable[Any]]


def main() -> bool:
    """Prints the ratios and returns whether the bounds are kept."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        kept = [_ratios("torch's DataLoader", from_torch, bounded=True)]
        kept.append(_ratios("plait's loader", from_plait, bounded=False))
        _engine()
    finally:
        torch.set_num_threads(threads)
    return all(kept)


def _ratios(name: str, batches: Batches, *, bounded: bool) -> bool:
    """Prints what the Trainer takes in units of the loop by hand, with one loader on both sides."""
    print(f"Trainer / loop by hand, MLP 16-64-64, two tasks, batch {BATCH}, {name}:")
    kept = True
    for method, run in (("Equal", True), ("Equal", False), ("UPGrad", True)):
        turns = _train(Equal() if method == "Equal" else UPGrad(), batches, run=run)
        ratio, by_hand, end = turns.summary()
        what = f"{method}, {'a run folder' if run else 'no run folder'}"
        told = ""
        if bounded and run:
            fine = ratio <= BOUNDS[method]
            told = f", bound {BOUNDS[method]}: {'kept' if fine else 'MISSED'}"
            kept = kept and fine
        print(
            f"  {what}: {ratio:.2f}{told}   ({by_hand:.2f} ms a step by hand; "
            f"{end:.0f} ms more at the end of an epoch)"
        )
    return kept


def _engine() -> None:
    """Prints what `plait.Backward` adds to ``loss.backward()``."""
    model = network()
    inputs, targets = next(iter(from_torch()))
    optimizer = torch.optim.AdamW(model.parameters())

    def losses() -> dict[str, Tensor]:
        outputs = model(inputs)
        return {task: F.mse_loss(outputs[task], targets[task]) for task in targets}

    def by_hand() -> None:
        found = losses()
        (found["a"] + found["b"]).backward()

    def step(balancer: Balancer) -> Callable[[], None]:
        backward = Backward(balancer, model)
        return lambda: void(backward(losses()))

    def many(call: Callable[[], None]) -> Callable[[], None]:
        def calls() -> None:
            for _ in range(BLOCK):
                optimizer.zero_grad()
                call()

        return calls

    steps = {"by hand": by_hand, "Equal": step(Equal()), "UPGrad": step(UPGrad())}
    times = interleaved(
        {name: many(call) for name, call in steps.items()},
        before=lambda: None,
        seconds=4.0,
        rounds=(20, 200),
    )
    base = times.pop("by hand")
    added = ", ".join(f"{1e3 * (t - base) / BLOCK:.2f} ms with {name}" for name, t in times.items())
    print(f"plait.Backward alone adds {added}, to {1e3 * base / BLOCK:.2f} ms by hand")


def void(value: object) -> None:
    """Drops a value."""


class Turns(Callback):
    """Takes one step by hand after each step of the Trainer, and times both."""

    def __init__(self, by_hand: Iterator[None], epoch: int = -(-ROWS // BATCH)) -> None:
        self.steps = by_hand
        self.epoch = epoch  # steps
        self.trainer: list[float] = []
        self.by_hand: list[float] = []
        self.started = 0.0

    def on_train_start(self, trainer: Trainer) -> None:
        """Starts the clock."""
        self.started = clock()

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        """Times the other's turn."""
        now = clock()
        self.trainer.append(now - self.started)
        next(self.steps)
        self.started = clock()
        self.by_hand.append(self.started - now)

    def summary(self) -> tuple[float, float, float]:
        """Returns the ratio (median over blocks), and in ms a step by hand and an epoch's end."""
        # What follows the last step of an epoch falls into the first one of the next
        first = range(0, len(self.trainer), self.epoch)
        timed = enumerate(zip(self.trainer, self.by_hand, strict=True))
        pairs = [pair for place, pair in timed if place % self.epoch]
        blocks = [pairs[i : i + BLOCK] for i in range(WARMUP * BLOCK, len(pairs) - BLOCK, BLOCK)]
        ratio = statistics.median(sum(a for a, _ in b) / sum(h for _, h in b) for b in blocks)
        by_hand = statistics.median(hand for _, hand in pairs)
        ends = [self.trainer[i] - self.by_hand[i] for i in first if i]
        return ratio, 1e3 * by_hand, 1e3 * statistics.median(ends)


def _train(balancer: Balancer, batches: Batches, *, run: bool) -> Turns:
    turns = Turns(loop_by_hand(network(), batches()))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            network(),
            balancer,
            epochs=EPOCHS,
            lr=1e-3,
            device="cpu",
            run=Path(folder) / "run" if run else None,
            callbacks=[turns],
            progress=False,
        )
        trainer.fit(batches())
    return turns


def loop_by_hand(model: MultiTaskModel, batches: Iterable[Any]) -> Iterator[None]:
    """Trains as anyone would write it: no checks, no log, no checkpoint; pauses after each step."""
    encoder, heads = model.sharing.prototype(), model.heads.values()
    linear = [module for head in heads for module in head.modules() if type(module) is nn.Linear]
    parameters = [*encoder.parameters(), *(p for head in linear for p in head.parameters())]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.0)
    for _ in range(EPOCHS):
        for inputs, targets in batches:
            hidden = encoder(inputs)
            loss = F.mse_loss(linear[0](hidden), targets["a"])
            loss = loss + F.mse_loss(linear[1](hidden), targets["b"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield


def network() -> MultiTaskModel:
    """Returns an MLP 16-64-64 with two linear heads."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
    tasks = [Regression("a", mean=0.0, scale=1.0), Regression("b", mean=0.0, scale=1.0)]
    return MultiTaskModel(Hard(body), tasks, example=torch.zeros(2, 16))


def table() -> tuple[Tensor, dict[str, Tensor]]:
    """Returns the inputs `[N, 16]` and two labels `[N, 1]`."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(ROWS, 16, generator=generator)
    return inputs, {"a": inputs[:, :1].tanh(), "b": inputs[:, 1:2] * inputs[:, 2:3]}


def from_torch() -> Iterable[Any]:
    """Returns torch's loader of a `TensorDataset`, with the labels by name."""
    inputs, targets = table()

    def collate(items: list[tuple[Tensor, ...]]) -> tuple[Tensor, dict[str, Tensor]]:
        x, a, b = (torch.stack(column) for column in zip(*items, strict=True))
        return x, {"a": a, "b": b}

    data = TensorDataset(inputs, targets["a"], targets["b"])
    return DataLoader(data, batch_size=BATCH, shuffle=True, collate_fn=collate)


def from_plait() -> Iterable[Any]:
    """Returns plait's loader of a table in memory."""
    return loader(InMemory(*table()), batch_size=BATCH, shuffle=True)


if __name__ == "__main__":
    main()
