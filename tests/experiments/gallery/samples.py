"""Made-up examples of every kind, and a model that predicts what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from plait.data import Picture, Row, Sentence, Sound
from plait.data.shown import Shown
from plait.recipes import Recipe
from plait.tasks import BaseTask, Classification, Segmentation, Tagging

UPOS = ["DET", "NOUN", "VERB", "ADJ", "PUNCT", "ADP", "PRON"]
SPANS = ["O", "B-place", "I-place", "B-fromloc.city_name"]
DEFECTS = ["sound", "crack", "stain", *(f"kind {i}" for i in range(3, 12))]
RATE = 8000
SENTENCES = [
    ["Der", "schnelle", "braune", "Fuchs", "springt", "über", "den", "faulen", "Hund", "."],
    ["“", "أين", "تقع", "محطة", "القطار", "في", "القاهرة", "؟", "”"],
    list("東京駅はどこですか。"),
    ["<script>alert(1)</script>", "&amp;", "", "\u200f", "Donaudampfschifffahrtsgesellschaft" * 4],
    ["a", "rather", "long", "sentence", "that", "goes", "on"] * 40,
]


@dataclass
class Known:
    """What is shown of an example, and what is predicted on it."""

    shown: list[Shown]
    targets: dict[str, Tensor]
    predictions: dict[str, Tensor]


class Told(nn.Module):
    """Predicts what the examples say; an example's inputs are its number."""

    def __init__(self, examples: Sequence[Known], tasks: Sequence[BaseTask]) -> None:
        super().__init__()
        self.examples = examples
        self.tasks = {task.name: task for task in tasks}
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Tensor, tasks: Sequence[str]) -> dict[str, Tensor]:
        (index,) = inputs.tolist()
        return {name: self.examples[index].predictions[name][None] for name in tasks}


class Samples(Recipe):
    """Examples that are shown as they say."""

    def __init__(self, examples: Sequence[Known], tasks: Sequence[BaseTask]) -> None:
        self.examples = examples
        self._tasks = list(tasks)

    def tasks(self) -> list[BaseTask]:
        return self._tasks

    def encoder(self) -> nn.Module:
        return nn.Identity()

    def splits(self) -> Mapping[str, Dataset[Any]]:
        raise NotImplementedError

    def show_example(self, split: str, index: int, inputs: Any) -> Sequence[Shown]:
        assert split == "test"
        assert index == int(inputs)
        return self.examples[index].shown

    @property
    def data(self) -> list[tuple[Tensor, dict[str, Tensor]]]:
        return [(torch.tensor(i), each.targets) for i, each in enumerate(self.examples)]

    @property
    def model(self) -> Any:
        return Told(self.examples, self._tasks)


def sentences() -> Samples:
    """Sentences in several scripts; some tags are wrong, some have no label."""
    draw = np.random.default_rng(0)
    tasks: list[BaseTask] = [
        Tagging("upos", classes=len(UPOS), names=UPOS),
        Tagging("spans", classes=len(SPANS), names=SPANS),
        Classification("type", classes=2, names=["statement", "question"]),
    ]
    examples = []
    for number, words in enumerate(SENTENCES):
        upos = torch.from_numpy(draw.integers(0, len(UPOS), len(words)))
        spans = torch.from_numpy(
            draw.integers(0, len(SPANS), len(words)) * (draw.random(len(words)) < 0.3)
        )
        seen = upos.clone()
        seen[::4] = (seen[::4] + 1) % len(UPOS)
        upos[1] = -100
        found = spans.clone()
        found[-1] = 3
        predictions = {
            "upos": F.one_hot(seen, len(UPOS)).float(),
            "spans": F.one_hot(found, len(SPANS)).float(),
            "type": torch.tensor([0.0, 1.0]),
        }
        targets = {"upos": upos, "spans": spans, "type": torch.tensor(number % 2)}
        examples.append(Known([Sentence(words, name="sentence")], targets, predictions))
    return Samples(examples, tasks)


def sounds() -> Samples:
    """A rising tone, a short click, silence, and a recording that is too long; with its row."""
    time = np.arange(2 * RATE) / RATE
    rising = 0.8 * np.sin(2 * np.pi * (200 + 800 * time) * time)
    click = np.zeros(400)
    click[200:210] = 1.0
    long = np.random.default_rng(0).normal(0, 0.1, 12 * RATE)
    task = Classification("digit", classes=3)
    examples = [
        Known(
            [
                Sound(samples, RATE, name="recording"),
                Row({"speaker": f"speaker {i}", "age": "34"}),
            ],
            {"digit": torch.tensor(i % 3)},
            {"digit": torch.tensor([1.0, 0.0, 0.0])},
        )
        for i, samples in enumerate([rising, click, np.zeros(RATE), long])
    ]
    return Samples(examples, [task])


def defects() -> Samples:
    """Photos with a stain of 0.2 per cent and a thin crack, with many classes, without a label."""
    draw = np.random.default_rng(0)
    task = Segmentation("defect", classes=len(DEFECTS), names=DEFECTS, background=0)
    examples = []
    for number in range(3):
        photo = draw.normal(128, 30, (224, 224, 1)).clip(0, 255).astype(np.uint8).repeat(3, axis=2)
        true = torch.zeros(224, 224, dtype=torch.int64)
        if number == 1:
            for k in range(1, 12):
                true[18 * k : 18 * k + 14, 20:200] = k
        else:
            true[100:110, 60:70] = 2
            true[20 + 100 * number // 2, 120:200] = 1
        if number == 2:
            true[:] = -100
        seen = torch.zeros(224, 224, dtype=torch.int64)
        seen[98:112, 64:74] = 2
        seen[200, 10] = 1
        prediction = F.one_hot(seen, len(DEFECTS)).permute(2, 0, 1).float()
        examples.append(
            Known([Picture(photo, name="photo")], {"defect": true}, {"defect": prediction})
        )
    return Samples(examples, [task])


def rows() -> Samples:
    """Rows of a table with more columns than are shown."""
    values = {f"column {i}": str(i * i) for i in range(30)}
    example = Known([Row(values)], {"digit": torch.tensor(1)}, {"digit": torch.tensor([0.0, 1.0])})
    return Samples([example] * 3, [Classification("digit", classes=2)])
