"""Inputs and encoders of another precision than float32."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plait import MultiTaskModel
from plait.core.errors import DataError, PlaitError
from plait.networks import infer_shape, mixes_floats
from plait.sharing import Hard
from plait.tasks import Regression

WIDE = torch.randn(3, 4, dtype=torch.float64)


def model(encoder: nn.Module, example: Any) -> MultiTaskModel:
    return MultiTaskModel(Hard(encoder), [Regression("size")], example=example)


@pytest.mark.parametrize(
    ("encoder", "example", "said"),
    [
        (nn.Linear(4, 2), WIDE, r"float64, and the weights float32\. Convert .*inputs\.float\(\)"),
        (nn.Linear(4, 2), WIDE.half(), r"float16, and the weights float32"),
        (nn.Linear(4, 2).double(), WIDE.float(), r"inputs\.to\(torch\.float64\)"),
        (nn.Linear(4, 2).double(), WIDE, r"encoder\.float\(\).*model\.double\(\)"),
        (nn.Linear(4, 2), WIDE.numpy(), r"torch\.from_numpy\(inputs\)\.float\(\)"),
        (nn.Linear(4, 2), {"x": [np.zeros((2, 4), int)]}, r"torch\.from_numpy\(inputs\)`"),
    ],
)
def test_another_precision_is_refused_with_the_conversion(
    encoder: nn.Module, example: Any, said: str
) -> None:
    with pytest.raises(PlaitError, match=said):
        model(encoder, example)


def test_a_model_converted_as_a_whole_reads_its_precision_alone() -> None:
    made = model(nn.Linear(4, 2), WIDE.float()).double()
    assert made(WIDE)["size"].dtype == torch.float64
    with pytest.raises(DataError, match=r"inputs\.to\(torch\.float64\)"):
        made(WIDE.float())
    with pytest.raises(DataError, match="found a NumPy array"):
        made(WIDE.numpy())


def test_an_encoder_that_converts_its_inputs_is_let_pass() -> None:
    class Converts(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.float())

    encoder = Converts(4, 2)
    assert mixes_floats(encoder, WIDE)
    assert infer_shape(encoder, WIDE).levels == ((2,),)
    assert model(encoder, WIDE)(WIDE)["size"].shape == (3, 1)


def test_whole_numbers_mix_with_every_precision() -> None:
    assert not mixes_floats(nn.Embedding(3, 2), torch.zeros(2, 1, dtype=torch.long))
