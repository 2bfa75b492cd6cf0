from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ShapeError
from plait.networks import infer_shape

CHANNELS = r"Check the number of input channels or features\.$"


class ByKeywords(nn.Module):
    """Is called by keywords."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, numbers: Tensor, scale: Tensor) -> Tensor:
        return self.linear(numbers) * scale


class AnyKeywords(ByKeywords):
    """Takes whatever keywords there are."""

    def forward(self, numbers: Tensor | None = None, **others: Tensor) -> Tensor:
        assert numbers is not None
        return self.linear(numbers)


class Fails(nn.Module):
    """Fails for a reason of its own."""

    def forward(self, x: Tensor) -> Tensor:
        raise ValueError("the vocabulary was not loaded.")


@pytest.mark.parametrize(
    ("encoder", "example"),
    [
        (nn.Conv2d(3, 4, 3), torch.zeros(2, 1, 8, 8)),
        (nn.Linear(3, 4), torch.zeros(2, 5)),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(5)), torch.zeros(2, 3, 8, 8)),
        (nn.LayerNorm(4), torch.zeros(2, 5)),
        (nn.GRU(3, 4, batch_first=True), torch.zeros(2, 6, 5)),
    ],
)
def test_the_hint_about_channels_follows_failures_of_channels(encoder, example) -> None:
    with pytest.raises(ShapeError, match=CHANNELS):
        infer_shape(encoder, example)


@pytest.mark.parametrize(
    ("encoder", "example"),
    [
        (Fails(), torch.zeros(2, 3)),
        (nn.Conv2d(3, 4, 3), torch.zeros(2, 3, 2, 2)),
        (nn.Embedding(3, 4), torch.zeros(2, 3)),
        (ByKeywords(), torch.zeros(2, 3)),
        (nn.Linear(3, 4), {"x": torch.zeros(2, 3)}),
    ],
)
def test_and_no_others(encoder: nn.Module, example: Any) -> None:
    with pytest.raises(ShapeError) as caught:
        infer_shape(encoder, example)
    assert "number of input channels" not in str(caught.value)
    assert ".. " not in str(caught.value)


@pytest.mark.parametrize("encoder", [ByKeywords(), AnyKeywords()])
def test_an_encoder_called_by_keywords_shows_the_wrapper(encoder: nn.Module) -> None:
    example = {"numbers": torch.zeros(2, 3), "scale": torch.ones(2, 1)}
    with pytest.raises(
        ShapeError, match=r"by keywords.*`def forward\(self, inputs\): .*\*\*inputs"
    ):
        infer_shape(encoder, example)

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = encoder

        def forward(self, inputs: dict[str, Tensor]) -> Tensor:
            out: Tensor = self.net(**inputs)
            return out

    assert infer_shape(Encoder(), example).levels == ((2,),)


def test_an_output_with_names_says_which_one_to_take() -> None:
    class Named(nn.Module):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"last_hidden_state": x, "pooler_output": x}

    found = r"found dict of last_hidden_state, pooler_output.*\(inputs\)\['last_hidden_state'\]"
    with pytest.raises(ShapeError, match=found):
        infer_shape(Named(), torch.zeros(2, 3))
