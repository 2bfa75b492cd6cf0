"""Choices of channels."""

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.sharing.conditioning import Masks
from tests.sharing.conditioning.trunks import TASKS, Conditioned


@pytest.mark.parametrize(("keep", "number"), [(0.5, 5), (0.3, 3), (0.01, 1), (1.0, 10)])
def test_a_task_keeps_its_share_of_the_channels(keep: float, number: int) -> None:
    base, x = nn.Conv2d(3, 10, 3), torch.randn(2, 3, 5, 5)
    made = Conditioned(Masks(keep=keep), base)
    for position, task in enumerate(TASKS):
        mask = made.own(position).get_buffer("mask")
        assert mask.sum() == number
        assert torch.equal(made(task, x), base(x) * mask.view(10, 1, 1))
    assert not list(made.layer.own.parameters())


def test_a_masked_nan_is_zero() -> None:
    made = Conditioned(Masks(keep=0.5), nn.Linear(2, 2))
    x = torch.full((1, 2), torch.nan)
    assert made("a", x).isnan().sum() == 1


@pytest.mark.parametrize("keep", [0.0, 1.5, -1.0])
def test_the_share_is_checked(keep: float) -> None:
    with pytest.raises(ConfigError, match=rf"`keep` must be in \(0, 1\]; found {keep}"):
        Masks(keep=keep)
