"""Pooling over everything but examples and channels."""

import pytest
import torch
from torch import Tensor

from plait.core.errors import ShapeError
from plait.core.features import Features
from plait.networks.grids import Pooling, pool


def slow_pool(last: Tensor, channel_dim: int, mask: Tensor | None) -> Tensor:
    """For each example the mean of the channel vectors of its real positions, one by one."""
    rows = []
    for position, example in enumerate(last):
        vectors = example.flatten(1).T if channel_dim == 1 else example.flatten(0, -2)
        real = [True] * len(vectors) if mask is None else mask[position].tolist()
        kept = [vector for vector, keep in zip(vectors, real, strict=True) if keep]
        rows.append(sum(kept) / len(kept) if kept else torch.zeros(vectors.shape[1]))
    return torch.stack(rows)


@pytest.mark.parametrize(
    ("shape", "channel_dim"),
    [((3, 5), 1), ((3, 7), 1), ((3, 4, 6), 1), ((5, 3), -1), ((2, 4, 3), -1), ((2, 3, 4, 3), 1)],
)
def test_pooling_is_the_mean_over_positions(shape: tuple[int, ...], channel_dim: int) -> None:
    last = torch.randn(4, *shape)
    found = pool(Features((torch.zeros(1), last), channel_dim=channel_dim))
    torch.testing.assert_close(found, slow_pool(last, channel_dim, None))


@pytest.mark.parametrize("channel_dim", [1, -1])
@pytest.mark.parametrize("padding", [0.0, 1e30, float("nan"), float("inf")])
def test_pooling_leaves_padding_out(channel_dim: int, padding: float) -> None:
    mask = torch.tensor(
        [[True, True, False], [True, False, False], [True, True, True], [False, False, False]]
    )
    last = torch.randn(4, 3, 6)
    last[~mask] = padding
    last = last if channel_dim == -1 else last.transpose(1, 2)
    found = pool(Features((last,), channel_dim=channel_dim, mask=mask))
    torch.testing.assert_close(found, slow_pool(last, channel_dim, mask))


def test_a_vector_needs_no_pooling_even_if_the_input_was_padded() -> None:
    last = torch.randn(2, 5)
    for channel_dim in (1, -1):
        features = Features((last,), channel_dim=channel_dim, mask=torch.ones(2, 9).bool())
        assert pool(features) is last


@pytest.mark.parametrize(("shape", "channel_dim"), [((2, 4, 6), -1), ((2, 6, 4), 1)])
def test_a_mask_of_another_length_is_refused(shape: tuple[int, ...], channel_dim: int) -> None:
    mask = torch.ones(2, 8, dtype=torch.bool)
    with pytest.raises(ShapeError, match=r"the mask must be \[2, 4\], .*; found \[2, 8\]"):
        pool(Features((torch.zeros(shape),), channel_dim=channel_dim, mask=mask))


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_gradient_has_the_layout_of_the_maps(
    pooling: Pooling, memory_format: torch.memory_format
) -> None:
    """Convolutions copy a gradient that has another one, which costs more than the pooling."""
    maps = torch.randn(2, 3, 4, 6).to(memory_format=memory_format).requires_grad_()
    found = pool(Features((maps,)), pooling)
    expected = maps.mean(dim=(2, 3)) if pooling == "mean" else maps.amax(dim=(2, 3))
    torch.testing.assert_close(found, expected)
    (gradient,) = torch.autograd.grad(found.square().sum(), maps)
    assert gradient.is_contiguous(memory_format=memory_format)
