"""Inputs that are not finite are named once a loss has failed."""

import math

import pytest
import torch

from plait import MultiTaskModel
from plait.core.batch import Batch, Part
from plait.core.errors import NonFiniteError
from plait.encoders import MLPEncoder, ResidualEncoder
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import Trainer
from plait.training.inputs import broken_inputs


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_batch_and_its_examples_are_counted(value: float) -> None:
    right, wrong = torch.ones(5, 2, 3), torch.ones(5, 2, 3)
    wrong[[1, 3], 0, 2] = value
    batches = [Batch((Part({"x": each}, {}, {}),)) for each in (right, wrong)]
    said = broken_inputs(batches, before=4, of="epoch 3")
    assert said == (
        " The inputs of batch 6 of epoch 3 are not finite: 2 of 5 examples have NaN or infinity, "
        f"the first at [1, 0, 2] (counted from 0): {value}."
    )
    assert broken_inputs(batches[:1], before=0, of="epoch 1") == ""


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


def test_an_infinite_entry_is_named_before_missing_ones() -> None:
    rows = torch.ones(4, 3)
    rows[0, 1], rows[2, 2] = math.nan, -math.inf
    said = broken_inputs([Batch((Part(rows, {}, {}),))], before=0, of="epoch 1")
    assert "2 of 4 examples have NaN or infinity, the first in row 2, column 2" in said
    assert said.endswith("(counted from 0): -inf.")


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("split", ["training", "validation"])
@pytest.mark.parametrize("encoder", [MLPEncoder, ResidualEncoder])
def test_every_encoder_and_split(value: float, split: str, encoder: type) -> None:
    """The second batch has it; validation data are looked at before the first step."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(8, 3, generator=draw)
    image = encoder is ResidualEncoder
    good = x[:, :, None, None].expand(8, 3, 8, 8) if image else x
    wrong = good.clone()
    wrong[5, 1] = value
    made = encoder(in_channels=3, widths=(4, 4)) if image else encoder(in_features=3, widths=(8,))
    model = MultiTaskModel(Hard(made), Regression("a"), example=good[:2])
    batches = {
        name: [(each[i : i + 4], {"a": x[i : i + 4, :1]}) for i in (0, 4)]
        for name, each in (("good", good), ("wrong", wrong))
    }
    train = batches["wrong" if split == "training" else "good"]
    val = batches["wrong" if split == "validation" else "good"]
    where = r"at \[1, 1, 0, 0\]" if image else "in row 1, column 1"
    of = "epoch 1" if split == "training" else "the validation data"
    with pytest.raises(NonFiniteError, match=f"inputs of batch 2 of {of} are not .* {where}"):
        Trainer(model, epochs=1, device="cpu", progress=False).fit(train, val)
