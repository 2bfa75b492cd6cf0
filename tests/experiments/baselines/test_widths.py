"""The widths of an encoder, as settings that can be scaled."""

from typing import Any

import pytest
import torch
from torch import nn

from plait.core.columns import Column
from plait.encoders import ConvEncoder, Fused, TabularEncoder
from plait.experiments.baselines.widths import described_encoder, narrowed, widest
from plait.experiments.method import Method


class Wide(nn.Module):
    """An encoder of the user's own."""

    def __init__(self, *, width: int = 12) -> None:
        super().__init__()
        self.layer = nn.Linear(3, width)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layer(inputs)
        return found


NUMBER = Column("age", "number", center=[0.0], scale=[1.0], missing=[0.0], edges=[[0.0, 1.0]])
PHOTO = Column("photo", "image", size=(16, 16), channels=3)


def test_an_encoder_of_plait_describes_itself() -> None:
    found = described_encoder(None, ConvEncoder(in_channels=1, widths=(4, 6), norm=True))
    assert found == {"class": "ConvEncoder", "in_channels": 1, "widths": [4, 6], "norm": True}


def test_columns_are_the_tables() -> None:
    found = described_encoder(None, TabularEncoder([NUMBER], width=16))
    assert found is not None and "columns" not in found and found["width"] == 16


def test_inputs_of_several_kinds_are_scaled_together() -> None:
    encoders: dict[str, Any] = {"photo": {"class": "ConvEncoder", "widths": [8, 16]}}
    found = described_encoder(None, Fused([NUMBER, PHOTO], encoders))
    assert found is not None and found["widths"] == [128] and widest(found) == 128
    half = narrowed(found, 64, 128)
    assert half["widths"] == [64] and half["encoders"]["photo"]["widths"] == [4, 8]
    assert found["widths"] == [128], "the given settings have changed"


def test_an_encoder_of_the_users_own_has_its_settings() -> None:
    path = "tests.experiments.baselines.test_widths:Wide"
    named = Method.model_validate({"class": path})
    assert described_encoder(named, Wide()) == {"class": path, "width": 12}
    named = Method.model_validate({"class": path, "width": 20})
    assert described_encoder(named, Wide(width=20)) == {"class": path, "width": 20}
    assert described_encoder(None, Wide()) is None  # of a recipe: there are no settings for it


@pytest.mark.parametrize(
    "described", [{}, {"widths": []}, {"widths": None}, {"width": True}, {"width": "wide"}]
)
def test_without_a_width_it_is_zero(described: dict[str, Any]) -> None:
    assert widest(described) == 0
    assert narrowed(described, 1, 2) == described


def test_a_width_is_at_least_one() -> None:
    assert narrowed({"widths": [1, 100]}, 3, 100) == {"widths": [1, 3]}
    assert narrowed({"width": 100}, 100, 100) == {"width": 100}
    assert narrowed({"widths": (10, 20)}, 40, 20) == {"widths": [20, 40]}
