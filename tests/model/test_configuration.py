"""A model as plain values, and back."""

import json
from typing import Any

import pytest
import torch
from torch import nn

from plait import MultiTaskModel
from plait.connections import Hint
from plait.core.errors import CheckpointError
from plait.encoders import MLPEncoder
from plait.model.configuration import arguments, configuration
from plait.regularization import PairwiseL2
from plait.sharing import Hard, Separate
from plait.tasks import Regression


def model(**more: Any) -> MultiTaskModel:
    encoder = MLPEncoder(in_features=3, widths=(4,))
    tasks = [Regression("a"), Regression("b", weight=2.0)]
    return MultiTaskModel(Separate(encoder), tasks, example=torch.zeros(2, 3), seed=5, **more)


def test_a_model_can_be_built_again_from_its_file() -> None:
    made = model(connections=[Hint(alpha=0.3)], regularization=[PairwiseL2(strength=0.1)])
    found = json.loads(json.dumps(configuration(made)))
    again = MultiTaskModel(**arguments(found))
    assert configuration(again) == found
    assert {k: v.shape for k, v in again.state_dict().items()} == {
        k: v.shape for k, v in made.state_dict().items()
    }


def test_what_the_file_cannot_hold_is_given() -> None:
    class Own(nn.Linear):
        pass

    made = MultiTaskModel(Hard(Own(3, 2)), [Regression("a")], example=torch.zeros(2, 3))
    found = configuration(made)
    with pytest.raises(CheckpointError, match=r"encoder is not one of plait's own.*encoder="):
        arguments(found)
    encoder = Own(3, 2)
    assert arguments(found, encoder=encoder)["sharing"].encoder is encoder
    found["example"] = None
    with pytest.raises(CheckpointError, match=r"example="):
        arguments(found, encoder=encoder)


def test_the_example_has_the_precision_of_the_encoder() -> None:
    found = configuration(model())
    encoder = MLPEncoder(in_features=3, widths=(4,)).double()
    assert arguments(found, encoder=encoder)["example"].dtype == torch.float64
