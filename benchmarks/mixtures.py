"""Steps of a mixture of three sources, beside the same steps from one source, in one thread."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator

import torch

from benchmarks.table_steps import network, table
from benchmarks.timing import mean_ratio
from plait import MultiTaskModel, Trainer
from plait.core.batch import Batch
from plait.data import InMemory, Mixture, Source, batches_of, loader
from plait.data.mixing import AllSources, EqualShares, Policy
from plait.training.feed import Feed
from plait.training.first import FirstSteps
from plait.training.mixture_log import MixtureLog

SIZES = {"large": 100_000, "middle": 10_000, "small": 1_000}
BATCH, STEPS, RUNS = 256, 250, 5
BOUND = 1.05  # times the same steps from one source

Step = Callable[[], None]


def main() -> bool:
    """Prints what a step of a mixture takes beside one source's; returns whether bounds hold."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    print(f"mixture of {' : '.join(f'{n:,}' for n in SIZES.values())} rows, batch {BATCH}:")
    try:
        kept = [
            _told("one source a step / the same steps from one source", EqualShares(), 1),
            _told("all in each step / the same forward passes", AllSources(), len(SIZES)),
        ]
    finally:
        torch.set_num_threads(threads)
    return all(kept)


def _told(what: str, policy: Policy, parts: int) -> bool:
    """Takes steps of both in turn, in five runs; the median of their ratios counts."""
    ratios, alone = [], []
    for _ in range(RUNS):
        pairs = _in_turn(mixed(policy), single(parts))
        ratios.append(mean_ratio(pairs))
        alone += [second for _, second in pairs]
    ratio = statistics.median(ratios)
    print(
        f"  {what}: {ratio:.3f}, bound {BOUND}: {'kept' if ratio <= BOUND else 'MISSED'}   "
        f"({1000 * statistics.median(alone):.2f} ms a step; runs {min(ratios):.3f} to "
        f"{max(ratios):.3f})"
    )
    return ratio <= BOUND


def _in_turn(first: Step, second: Step) -> list[tuple[float, float]]:
    """Returns the seconds of each pair of steps, of which each goes first in every other pair."""
    pairs = []
    gc.collect()
    gc.disable()
    for number in range(STEPS + 20):
        taken = {}
        for step in (first, second) if number % 2 else (second, first):
            begun = time.perf_counter()
            step()
            taken[step] = time.perf_counter() - begun
        if number >= 20:
            pairs.append((taken[first], taken[second]))
    gc.enable()
    return pairs


def mixed(policy: Policy) -> Step:
    """Returns a step of the Trainer on three sources."""
    model, (x, targets) = network(), table()
    sources = {}
    for name, rows in SIZES.items():
        own = InMemory(x[:rows], {task: labels[:rows] for task, labels in targets.items()})
        sources[name] = Source(own, batch_size=BATCH)
    mixture = Mixture(sources, policy, tasks=model.tasks.values(), steps=10 * STEPS)
    return _step(model, mixture, 1)


def single(parts: int) -> Step:
    """Returns a step of the Trainer on the largest source, of so many batches as parts of one."""
    model, (x, targets) = network(), table()
    tasks = model.tasks.values()
    return _step(
        model, loader(InMemory(x, targets), batch_size=BATCH, shuffle=True, tasks=tasks), parts
    )


def _step(model: MultiTaskModel, loading: object, parts: int) -> Step:
    """Returns a function that reads a batch and takes a step, as `Trainer.fit` does."""
    trainer = Trainer(model, lr=1e-3, device="cpu", progress=False)
    trainer.mixture = MixtureLog(loading)
    trainer.labels.whole, trainer.steps_per_epoch = True, None
    trainer.first_steps = FirstSteps(model, trainer.optimizer, 0)
    feed = Feed(loading, 0)

    def batches() -> Iterator[Batch]:
        epoch = 0
        while True:
            yield from batches_of(feed.epoch(epoch), model.tasks.values())
            epoch += 1

    endless = batches()

    def step() -> None:
        read = [next(endless) for _ in range(parts)]
        batch = read[0] if parts == 1 else Batch(tuple(p for each in read for p in each.parts))
        trainer._step([batch])

    return step


if __name__ == "__main__":
    main()
