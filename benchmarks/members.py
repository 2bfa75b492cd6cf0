"""``python -m benchmarks.members``: every member of every family trains on the digits.

Each is trained for a few epochs on the digits recipe (`Hard` and `Separate` among them), with the
plain sum of the losses, and has to lower the validation loss of every task.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch.utils.data import Dataset

import plait.connections
import plait.regularization
import plait.sharing
from plait.connections import Connection
from plait.core.lookup import names
from plait.data import InMemory
from plait.evaluation import evaluate
from plait.experiments import build_job, validate, with_defaults
from plait.recipes import Digits
from plait.regularization import Regularizer
from plait.sharing import Sharing
from plait.tasks import BaseTask, MultiLabel

BASE = {
    "epochs": 3,
    "batch_size": 32,
    "balancing": "Equal",
    "measure_every": 0,
    "gallery": 0,
    "scheduler": {"class": "OneCycleLR", "max_lr": 4e-3},
    "optimizer": {"class": "AdamW", "lr": 4e-3},
}
SCENES = {"scenes": 768, "size": 32}
DIGITS = {"class": "Digits", **SCENES}
ORDERED = {"class": "benchmarks.members:Ordered", **SCENES}
# These read yes or no, or compare answers of one kind.
ON_ORDERED = {"AITM", "OrderCalibration", "PredictionDistillation", "ProductChain"}
# What else a member asks for on this encoder.
NEEDS: Mapping[str, dict[str, Any]] = {
    "AdaShare": {"encoder": {"class": "ResidualEncoder", "in_channels": 1, "widths": [16, 32, 64]}},
    "Consistency": {"connections": {"class": "Consistency", "alpha": 0.01}},  # C is in pixels
    "Sluice": {"connections": {"class": "Sluice", "layer_mixing": False}},
}


class Ordered(Digits):
    """The same scenes with a chain of yes-or-no questions: is the digit at least 3, 6, 8?"""

    thresholds: ClassVar[Sequence[int]] = (3, 6, 8)

    def tasks(self) -> list[BaseTask]:
        """Returns one task for each threshold; a yes to a later one is a yes to those before."""
        return [MultiLabel(f"at least {low}", labels=1, pooling="max") for low in self.thresholds]

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Returns the scenes with the answers."""
        found = {}
        for split, data in super().splits().items():
            assert isinstance(data, InMemory)
            digit = data.targets["digit"]
            answers = {f"at least {low}": (digit >= low)[:, None] for low in self.thresholds}
            found[split] = InMemory(data.inputs, {k: v.long() for k, v in answers.items()})
        return found


def members() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields family, name and settings of each member."""
    for name in names(plait.sharing, Sharing):
        yield "sharing", name, {"sharing": {"class": name}}
    for name in names(plait.regularization, Regularizer):
        method = {"class": name, "strength": 1e-3}
        yield "regularization", name, {"sharing": "Separate", "regularization": method}
    for name in names(plait.connections, Connection):
        yield "connections", name, {"sharing": "Separate", "connections": {"class": name}}


def train(settings: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float], float]:
    """Returns the validation losses before and after the training, and its seconds."""
    config = validate(with_defaults({**BASE, **settings}))
    with tempfile.TemporaryDirectory() as folder:
        job = build_job(config, Path(folder) / "run")
        trainer, val = job.trainer, job.loaders["val"]
        before = evaluate(trainer.model, val, device=trainer.device).losses
        begun = time.perf_counter()
        trainer.fit(job.loaders["train"])
        seconds = time.perf_counter() - begun
        after = evaluate(trainer.model, val, device=trainer.device).losses
    return before, after, seconds


def main(wanted: Sequence[str] = ()) -> bool:
    """Prints a row for each member; returns whether all of them lower every loss."""
    kept = True
    for family, name, settings in members():
        if wanted and name not in wanted:
            continue
        recipe = ORDERED if name in ON_ORDERED else DIGITS
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            before, after, seconds = train({"recipe": recipe, **settings, **NEEDS.get(name, {})})
        good = all(after[task] < before[task] for task in before)
        kept = kept and good
        losses = ", ".join(f"{task} {before[task]:.3f} -> {after[task]:.3f}" for task in before)
        verdict = "" if good else "  MISSED"
        print(f"{family:15} {name:24} {losses}; {seconds:.0f} s{verdict}", flush=True)
    return kept


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
