"""Columns of every kind, and batches of them."""

from typing import Any

import torch

from plait.core import Masked
from plait.core.columns import Column

AGE = Column(
    "age", "number", center=[40.0], scale=[12.0], missing=[0.0], edges=[[18.0, 40.0, 90.0]]
)
KIND = Column("kind", "category", values=["a", "b", "c"])
PHOTO = Column("photo", "image", size=[16, 12], channels=3)
TITLE = Column("title", "text", values=["red", "car", "dog"], form="words", pieces=20, length=9)
SPEECH = Column("speech", "sound", rate=2000, seconds=1.0)
EVERY = [AGE, PHOTO, KIND, TITLE, SPEECH]

SMALL: dict[str, Any] = {
    "row": {"class": "TabularEncoder", "width": 6, "embedding": 2},
    "photo": {"class": "ConvEncoder", "widths": [3, 4], "norm": True},
    "title": {"class": "TextEncoder", "width": 6, "dropout": 0.0},
    "speech": {"class": "AudioEncoder", "mels": 12, "widths": [2], "features": 5},
}


def small(*names: str) -> dict[str, Any]:
    return {name: SMALL[name] for name in names}


def masked(values: torch.Tensor, lengths: list[int]) -> Masked:
    mask = torch.arange(values.shape[1]) < torch.tensor(lengths).unsqueeze(1)
    return Masked(values * mask.view(*mask.shape, *[1] * (values.dim() - 2)), mask)


def batch(*names: str) -> dict[str, Any]:
    """Three examples of each named input."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(1, 5, (3, 5, 9), generator=generator)
    every = {
        "row": torch.tensor([[52.0, 2.0], [torch.nan, 0.0], [20.0, 4.0]]),
        "photo": torch.randn(3, 3, 16, 12, generator=generator),
        "title": masked(codes, [5, 2, 0]),
        "speech": masked(torch.randn(3, 500, generator=generator), [500, 90, 0]),
    }
    return {name: every[name] for name in names}
