"""Inputs that are not finite are named once a loss has failed."""

import math

import pytest
import torch

from plait import MultiTaskModel
from plait.core.batch import Batch, Part
from plait.core.errors import NonFiniteError
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import Trainer
from plait.training.inputs import broken_inputs


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_batch_and_its_examples_are_counted(value: float) -> None:
    right, wrong = torch.ones(5, 2, 3), torch.ones(5, 2, 3)
    wrong[[1, 3], 0, 2] = value
    batches = [Batch((Part({"x": each}, {}, {}),)) for each in (right, wrong)]
    said = broken_inputs(batches, epoch=2, before=4)
    assert said == (
        " The inputs of batch 6 of epoch 3 are not finite: 2 of 5 examples have NaN or infinity."
    )
    assert broken_inputs(batches[:1], epoch=0, before=0) == ""


def test_the_trainer_looks_at_the_inputs() -> None:
    x = torch.randn(4, 3)
    model = MultiTaskModel(
        Hard(torch.nn.Linear(3, 2)), [Regression("a"), Regression("b")], example=x
    )
    labels = {"a": x[:, :1], "b": x[:, 1:2]}
    x = x.clone()
    x[2, 1] = math.nan
    with pytest.raises(
        NonFiniteError, match=r"look at the inputs.*batch 1 of epoch 1.*1 of 4 examp"
    ):
        Trainer(model, epochs=1, device="cpu").fit([(x, labels)])
