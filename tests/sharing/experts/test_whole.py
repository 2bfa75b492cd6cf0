"""Features of whole encoders, mixed level by level."""

import pytest
import torch

from plait.core.features import Features
from plait.sharing.experts.whole import Experts


def features(channel_dim: int = 1, mask: torch.Tensor | None = None) -> Features:
    shapes = [(2, 3, 4), (2, 5)] if channel_dim == 1 else [(2, 4, 3), (2, 4, 5)]
    return Features(tuple(torch.randn(shape) for shape in shapes), channel_dim, mask, grid=(8, 8))


@pytest.mark.parametrize("channel_dim", [1, -1])
@pytest.mark.parametrize("by_example", [True, False])
def test_every_level_is_mixed_with_the_same_weights(channel_dim: int, by_example: bool) -> None:
    mask = torch.ones(2, 4, dtype=torch.bool) if channel_dim == -1 else None
    made = [features(channel_dim, mask) for _ in range(3)]
    weights = torch.rand((2, 3) if by_example else (3,)).softmax(dim=-1)
    found = Experts(made).mixed(weights)
    for level, values in enumerate(found.levels):
        for example in range(2):
            row = weights[example] if by_example else weights
            slow = sum(w * each.levels[level][example] for w, each in zip(row, made, strict=True))
            torch.testing.assert_close(values[example], slow)
    assert found.channel_dim == channel_dim
    assert found.mask is mask
    assert found.grid == (8, 8)


def test_all_weight_on_one_expert_is_that_expert() -> None:
    made = [features() for _ in range(2)]
    found = Experts(made).mixed(torch.tensor([0.0, 1.0]))
    for values, expected in zip(found.levels, made[1].levels, strict=True):
        assert torch.equal(values, expected)
