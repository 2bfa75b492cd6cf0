"""The Trainer against the same loop written by hand in PyTorch."""

from __future__ import annotations

import copy
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader

from benchmarks.timing import mean_ratio, quartiles
from plait import MultiTaskModel, Trainer
from plait.core import Features
from plait.data import loader
from plait.recipes import Digits
from plait.sharing import Hard
from plait.training import Callback, StepRecord

BOUND = 1.03
SCENES, BATCH, EPOCHS = 2560, 64, 4
WARMUP = 5  # steps


def main() -> bool:
    """Prints the result and returns whether the bound is kept."""
    recipe = Digits(scenes=SCENES)
    data = recipe.splits()["train"]
    torch.manual_seed(0)
    example = next(iter(loader(data, batch_size=2, shuffle=False)))[0]
    model = MultiTaskModel(Hard(recipe.encoder()), recipe.tasks(), example=example)
    by_hand = loop_by_hand(
        copy.deepcopy(model), loader(data, batch_size=BATCH, shuffle=True), EPOCHS
    )
    turns = Turns(by_hand)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model,
            epochs=EPOCHS,
            lr=1e-3,
            run=Path(folder) / "run",
            callbacks=[turns],
            progress=False,
        )
        trainer.fit(loader(data, batch_size=BATCH, shuffle=True))
    pairs = list(zip(turns.trainer, turns.by_hand, strict=True))[WARMUP:]
    steps = -(-SCENES // BATCH)
    # The checkpoint of an epoch falls into the first step of the next: its cost is spread out
    within = [pair for i, pair in enumerate(pairs, WARMUP) if i % steps]
    between = [trainer - hand for i, (trainer, hand) in enumerate(pairs, WARMUP) if not i % steps]
    step = statistics.median(hand for _, hand in within)
    overhead = mean_ratio(within) + statistics.median(between) / steps / step
    low, middle, high = quartiles(within)
    kept = overhead <= BOUND
    print(
        f"Trainer / loop by hand: {overhead:.3f}, bound {BOUND}: {'kept' if kept else 'MISSED'}\n"
        f"  step by step: trimmed mean {mean_ratio(within):.3f}, "
        f"quartiles {low:.3f} {middle:.3f} {high:.3f}; "
        f"end of an epoch: {1e3 * statistics.median(between):.0f} ms more\n"
        f"  digits, {len(pairs)} steps, batch {BATCH}, {1e3 * step:.0f} ms a step by hand, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    return kept


class Turns(Callback):
    """Takes one step by hand after each step of the Trainer, and times both."""

    def __init__(self, by_hand: Iterator[None]) -> None:
        self.steps = by_hand
        self.trainer: list[float] = []
        self.by_hand: list[float] = []
        self.started = 0.0

    def on_train_start(self, trainer: Trainer) -> None:
        """Starts the clock."""
        self.started = time.perf_counter()

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        """Times the other's turn."""
        now = time.perf_counter()
        self.trainer.append(now - self.started)
        next(self.steps)
        self.started = time.perf_counter()
        self.by_hand.append(self.started - now)


def loop_by_hand(model: MultiTaskModel, batches: DataLoader[object], epochs: int) -> Iterator[None]:
    """Trains as anyone would write it: no checks, no log, no checkpoint; pauses after each step."""
    encoder, scale = model.sharing.prototype(), model.tasks["centre"].scale
    heads = dict(zip(model.tasks, model.heads.values(), strict=True))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.train()
    for _ in range(epochs):
        for images, labels in batches:
            levels, hidden = [], images
            for stage in encoder.stages:
                hidden = stage(hidden)
                levels.append(hidden)
            features = Features(tuple(levels), grid=(images.shape[2], images.shape[3]))
            loss = (
                F.cross_entropy(heads["digit"](features), labels["digit"])
                + F.cross_entropy(heads["mask"](features), labels["mask"].long())
                + F.mse_loss(heads["centre"](features) / scale, labels["centre"] / scale)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield
