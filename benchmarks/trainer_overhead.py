"""The Trainer against the same loop written by hand in PyTorch."""

from __future__ import annotations

import copy
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional as F

from benchmarks.timing import interleave, ratios
from plait import MultiTaskModel, Trainer
from plait.core import Features
from plait.data import loader
from plait.recipes import Digits
from plait.sharing import Hard

BOUND = 1.03
SCENES, BATCH, ROUNDS = 1536, 64, 12


def main() -> bool:
    """Prints one line and returns whether the bound is kept."""
    recipe = Digits(scenes=SCENES)
    data = recipe.splits()["train"]
    torch.manual_seed(0)
    example = next(iter(loader(data, batch_size=2, shuffle=False)))[0]
    start = MultiTaskModel(Hard(recipe.encoder()), recipe.tasks(), example=example)
    seconds = interleave(
        {"by hand": _by_hand(start, data), "Trainer": _trainer(start, data)}, rounds=ROUNDS
    )
    low, middle, high = ratios(seconds, "Trainer", "by hand")
    mean = statistics.mean(seconds["Trainer"]) / statistics.mean(seconds["by hand"])
    steps = -(-SCENES // BATCH)
    per_step = 1e3 * statistics.median(seconds["by hand"]) / steps
    kept = mean <= BOUND
    print(
        f"Trainer / loop by hand: mean {mean:.3f}, median {middle:.3f} (quartiles {low:.3f} to {high:.3f}), "
        f"bound {BOUND}: {'kept' if kept else 'MISSED'}\n"
        f"  digits, 3 tasks, {ROUNDS} rounds of {steps} steps, batch {BATCH}, {per_step:.0f} ms a step by hand, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    return kept


def _by_hand(start: MultiTaskModel, data: object) -> Callable[[], None]:
    """One epoch as anyone would write it: no logging, no checks, no checkpoint."""
    model = copy.deepcopy(start)
    encoder = model.sharing.prototype()
    heads = dict(zip(model.tasks, model.heads.values(), strict=True))
    scale = model.tasks["centre"].scale
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    batches = loader(data, batch_size=BATCH, shuffle=True)

    def epoch() -> None:
        model.train()
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

    return epoch


def _trainer(start: MultiTaskModel, data: object) -> Callable[[], None]:
    """One epoch of the Trainer with a run folder: checks, log and checkpoints included."""

    def epoch() -> None:
        with tempfile.TemporaryDirectory() as folder:
            trainer = Trainer(copy.deepcopy(start), epochs=1, lr=1e-3, run=Path(folder) / "run")
            trainer.fit(loader(data, batch_size=BATCH, shuffle=True))

    return epoch
