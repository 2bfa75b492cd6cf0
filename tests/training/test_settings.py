"""Whatever a training is set up with becomes plain values, the same ones each time."""

import io
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from plait.balancing import CAGrad, LossSchedule
from plait.connections import CrossStitch
from plait.encoders import MLPEncoder
from plait.model import MultiTaskModel
from plait.regularization import PairwiseL2
from plait.sharing import Separate
from plait.tasks import Classification, Regression
from plait.training.settings import described, model_settings
from tests.training import problem


@dataclass
class Pair:
    left: int
    right: Any


class Loop:
    """Keeps itself."""

    def __init__(self, other: Any = None) -> None:
        self.other = self


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (0.5, 0.5),
        ("word", "word"),
        (np.float32(0.5), 0.5),
        (np.array([1, 2]), [1, 2]),
        (torch.tensor([1.0, 2.0]), [1.0, 2.0]),
        (Path("a/b"), "a/b"),
        ((1, [2, 3]), [1, [2, 3]]),
        ({"b", "a"}, ["a", "b"]),
        ({1: {"a": 2}}, {"1": {"a": 2}}),
        (torch.optim.SGD, "SGD"),
        (len, "len"),
        (Pair.__init__, "Pair.__init__"),
        (Pair(1, Pair(2, None)), {"class": "Pair", "left": 1, "right": {"class": "Pair", "left": 2,
                                                                        "right": None}}),
        (partial(Pair, 1, right=2), {"class": "Pair", "arguments": [1], "right": 2}),
        (object(), {"class": "object"}),
        (LossSchedule({"a": (0, 1)}), {"class": "LossSchedule", "schedule": {"a": [0.0, 1.0]}}),
    ],
)  # fmt: skip
def test_each_kind_of_value(value: Any, expected: Any) -> None:
    found = described(value)
    assert found == expected
    assert described(found) == found, "plain values stay as they are"


def test_a_large_tensor_is_told_from_others() -> None:
    first, second = torch.zeros(100), torch.zeros(100)
    assert described(first) == described(second)
    assert described(first)["shape"] == [100]
    second[7] = 1
    assert described(first) != described(second)
    assert described(torch.zeros(10, 10, dtype=torch.bool))["shape"] == [10, 10]


def test_objects_that_hold_themselves_come_to_an_end() -> None:
    json.dumps(described(Loop()))


def test_options_of_a_method_within_a_method() -> None:
    found = described({"balancer": CAGrad(c=0.3)})
    assert found["balancer"]["class"] == "CAGrad"
    assert found["balancer"]["c"] == 0.3


@pytest.mark.parametrize("name", problem.EVERY_BALANCER)
def test_every_balancer_can_be_written(name: str) -> None:
    """As JSON, and in a checkpoint that is read without pickle."""
    found = described(problem.balancer(name))
    assert found == json.loads(json.dumps(found)) == described(problem.balancer(name))
    file = io.BytesIO()
    torch.save(found, file)
    file.seek(0)
    assert torch.load(file, weights_only=True) == found


def model(**changed: Any) -> MultiTaskModel:
    options: dict[str, Any] = {"strength": 0.1, "rare": 1.0, "init": 0.9, **changed}
    tasks = [
        Classification("a", classes=2, class_weights=(1.0, options["rare"])),
        Regression("b", weight=2.0),
    ]
    return MultiTaskModel(
        Separate(MLPEncoder(in_features=4, widths=(8, 8))),
        tasks,
        example=torch.zeros(2, 4),
        connections=[CrossStitch(init=options["init"])],
        regularization=[PairwiseL2(strength=options["strength"])],
    )


def test_a_model_is_its_methods_and_what_is_frozen() -> None:
    found = model_settings(model())
    assert found == json.loads(json.dumps(found)) == model_settings(model())
    assert found["tasks"]["b"]["weight"] == 2.0
    assert found["frozen"] == []
    assert model_settings(model(strength=0.2))["regularization"] != found["regularization"]
    assert model_settings(model(rare=2.0))["tasks"] != found["tasks"]
    assert model_settings(model(init=0.8))["connections"] != found["connections"]
    frozen = model()
    frozen.freeze("a")
    assert all("a" in name for name in model_settings(frozen)["frozen"])
    assert model_settings(frozen)["frozen"]


def test_training_changes_no_settings() -> None:
    made = model()
    before = model_settings(made)
    with torch.no_grad():
        for parameter in made.parameters():
            nn.init.normal_(parameter)
    assert model_settings(made) == before
