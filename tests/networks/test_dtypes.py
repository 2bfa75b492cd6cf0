"""Inputs and encoders of another precision than float32."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plait import MultiTaskModel, PerTask, Trainer
from plait.connections import Cascade, CrossStitch
from plait.core.errors import DataError, PlaitError
from plait.encoders import MLPEncoder
from plait.networks import infer_shape
from plait.networks.dtypes import mixes_floats
from plait.regularization import PairwiseL2
from plait.sharing import Hard, MMoE, Separate
from plait.tasks import Classification, Regression

WIDE = torch.randn(3, 4, dtype=torch.float64)


def model(encoder: nn.Module, example: Any) -> MultiTaskModel:
    return MultiTaskModel(Hard(encoder), [Regression("size")], example=example)


@pytest.mark.parametrize(
    ("encoder", "example", "said"),
    [
        (nn.Linear(4, 2), WIDE, r"float64, and the weights float32\. Convert .*inputs\.float\(\)"),
        (nn.Linear(4, 2), WIDE.half(), r"float16, and the weights float32"),
        (nn.Linear(4, 2).double(), WIDE.float(), r"inputs\.to\(torch\.float64\)"),
        (nn.Linear(4, 2), WIDE.numpy(), r"torch\.from_numpy\(inputs\)\.float\(\)"),
        (nn.Linear(4, 2), {"x": [np.zeros((2, 4), int)]}, r"torch\.from_numpy\(inputs\)`"),
    ],
)
def test_another_precision_is_refused_with_the_conversion(
    encoder: nn.Module, example: Any, said: str
) -> None:
    with pytest.raises(PlaitError, match=said):
        model(encoder, example)


class Widens(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).double()


def test_features_in_another_precision_than_the_weights_are_refused() -> None:
    with pytest.raises(PlaitError, match=r"Widens gives features in float64, and its weights are"):
        model(Widens(4, 2), WIDE.float())


def test_encoders_of_two_precisions_are_refused() -> None:
    encoders = {"a": nn.Linear(4, 2), "b": nn.Linear(4, 2).double()}
    example = PerTask({"a": WIDE.float(), "b": WIDE})
    with pytest.raises(PlaitError, match=r"one precision; .* 'a' in float32, 'b' in float64"):
        MultiTaskModel(Separate(encoders), [Regression(t) for t in "ab"], example=example)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    ("sharing", "more"),
    [
        (Hard, {}),
        (MMoE, {}),
        (Separate, {"connections": [CrossStitch()]}),
        (Separate, {"connections": [Cascade()]}),
        (Separate, {"regularization": [PairwiseL2(strength=0.1)]}),
    ],
)
def test_a_model_takes_the_precision_of_its_encoder(
    sharing: Any, more: dict[str, Any], dtype: torch.dtype
) -> None:
    """Its heads are those of a model that is made in float32, converted."""

    def made(dtype: torch.dtype) -> MultiTaskModel:
        torch.manual_seed(0)
        encoder = MLPEncoder(in_features=4, widths=(3, 2)).to(dtype)
        tasks = [Classification("a", classes=2), Regression("b")]
        return MultiTaskModel(
            sharing(encoder), tasks, example=WIDE.to(dtype), **copy.deepcopy(more)
        )

    found, wanted = made(dtype), made(torch.float32).to(dtype)
    assert {each.dtype for each in found.parameters()} == {dtype}
    for name, parameter in wanted.heads.named_parameters():
        assert torch.equal(found.heads.get_parameter(name), parameter), name
    outputs = found(WIDE.to(dtype))
    assert {each.dtype for each in outputs.values()} == {dtype}


def test_a_model_made_in_float64_is_saved_and_loaded(tmp_path: Path) -> None:
    made = model(MLPEncoder(in_features=4, widths=(3,)).double(), WIDE)
    made.save_pretrained(tmp_path)
    loaded = MultiTaskModel.from_pretrained(tmp_path)
    assert torch.equal(loaded(WIDE)["size"], made.eval()(WIDE)["size"])


def test_a_model_made_in_float64_trains_there() -> None:
    made = model(nn.Linear(4, 2).double(), WIDE)
    target = torch.randn(3, 1, dtype=torch.float64)
    Trainer(made, epochs=1, device="cpu").fit([(WIDE, {"size": target})])
    assert {each.dtype for each in made.parameters()} == {torch.float64}


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
