"""Values on grids: pooled, resampled, averaged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from plait.core.errors import ShapeError
from plait.core.features import Features
from plait.networks import grids
from plait.networks.grids import Pooling, Resampling, fitting, mean_over, pool, resample


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


def slow_window(x: Tensor, grid: tuple[int, int], summary: Callable[[Tensor], Tensor]) -> Tensor:
    """Cell by cell: the summary of the pixels that a cell of the new grid covers."""
    (high, wide), (rows, columns) = x.shape[2:], grid
    found = torch.empty(*x.shape[:2], rows, columns)
    for i in range(rows):
        for j in range(columns):
            top, bottom = i * high // rows, -(-(i + 1) * high // rows)
            left, right = j * wide // columns, -(-(j + 1) * wide // columns)
            found[:, :, i, j] = summary(x[:, :, top:bottom, left:right].flatten(2))
    return found


def mean(x: Tensor) -> Tensor:
    return x.mean(dim=2)


def largest(x: Tensor) -> Tensor:
    return x.amax(dim=2)


@pytest.mark.parametrize("channel_dim", [1, -1])
@pytest.mark.parametrize("grid", [(3, 2), (4, 5), (6, 8), (1, 1)])
@pytest.mark.parametrize(("by", "summary"), [("area", mean), ("mean", mean), ("max", largest)])
def test_a_coarser_grid_summarises_what_a_cell_covers(
    by: Resampling, summary: Any, grid: tuple[int, int], channel_dim: int
) -> None:
    x = torch.randn(2, 3, 6, 8)
    found = resample(x.movedim(1, channel_dim), grid, channel_dim=channel_dim, by=by)
    torch.testing.assert_close(found.movedim(channel_dim, 1), slow_window(x, grid, summary))


@pytest.mark.parametrize("by", ["area", "mean", "max"])
def test_a_finer_grid_repeats_values(by: Resampling) -> None:
    x = torch.randn(2, 3, 2, 4)
    expected = x.repeat_interleave(2, dim=2).repeat_interleave(3, dim=3)
    assert torch.equal(resample(x, (4, 12), by=by), expected)


def test_bilinear_is_exact_for_a_plane() -> None:
    """Away from the borders, at whose pixels the nearest value stands."""
    column = torch.arange(4.0)
    plane = 2.0 * column.view(1, 1, 4, 1) + 3.0 * column.view(1, 1, 1, 4)
    fine = (torch.arange(8.0) + 0.5) / 2 - 0.5
    expected = 2.0 * fine.view(1, 1, 8, 1) + 3.0 * fine.view(1, 1, 1, 8)
    found = resample(plane, (8, 8), by="bilinear")
    torch.testing.assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])


@pytest.mark.parametrize("by", ["area", "bilinear", "mean", "max"])
@pytest.mark.parametrize("channel_dim", [1, -1])
def test_other_axes_get_the_mean_over_real_positions(by: Resampling, channel_dim: int) -> None:
    mask = torch.tensor([[True, True, False, False], [True] * 4, [False] * 4])
    tokens = torch.randn(3, 4, 5)
    expected = slow_pool(tokens, -1, mask)
    tokens[~mask] = torch.nan
    given = tokens.movedim(-1, channel_dim)
    assert torch.isfinite(resample(given, (), channel_dim=channel_dim, by=by, mask=mask)).all()
    for grid in ((), (2, 3), (2, 3, 4)):
        found = resample(given, grid, channel_dim=channel_dim, by=by, mask=mask)
        flat = found.movedim(channel_dim, 1).reshape(3, 5, -1)
        torch.testing.assert_close(flat, expected.unsqueeze(-1).expand_as(flat))


def test_tokens_of_another_number_are_averaged_or_pooled() -> None:
    tokens = torch.randn(2, 6, 3)
    apart = resample(tokens, (4,), channel_dim=-1)
    torch.testing.assert_close(apart, tokens.mean(dim=1, keepdim=True).expand(2, 4, 3))
    halves = resample(tokens, (3,), channel_dim=-1, by="mean")
    torch.testing.assert_close(halves, tokens.unflatten(1, (3, 2)).mean(dim=2))


def test_the_same_grid_is_left_alone_and_a_vector_is_spread() -> None:
    x = torch.randn(2, 3, 4, 5)
    assert resample(x, (4, 5)) is x
    assert resample(x[..., 0, 0], ()).equal(x[..., 0, 0])
    assert torch.equal(resample(x[..., 0, 0], (6,)), x[..., :1, 0].expand(2, 3, 6))


def test_a_mean_leaves_padded_tokens_out() -> None:
    values = torch.randn(2, 3, 4)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    expected = torch.cat([values[0, :2], values[1, :1]]).mean()
    values[0, 2] = torch.nan
    values[1, 1:] = torch.inf
    torch.testing.assert_close(mean_over(values, -1, mask), expected)
    torch.testing.assert_close(mean_over(values.mT, 1, mask), expected)
    assert mean_over(values, -1, torch.zeros_like(mask)) == 0.0
    maps = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(mean_over(maps, 1, mask), maps.mean())


def test_all_other_folders_resample_and_average_here() -> None:
    """One place knows how a grid changes, so that one place deals with masks."""
    functions = ("interpolate", "adaptive_avg_pool", "adaptive_max_pool")
    source = Path(grids.__file__).parents[1]
    users = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if any(f"F.{each}" in path.read_text(encoding="utf-8") for each in functions)
    }
    # the cells of a scalar head are pooled with overlaps; a reader resizes the label of one example
    assert users == {"networks/grids.py", "tasks/heads/scalar.py", "data/readers/maps.py"}


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_sentences_without_a_position_are_pooled_to_zero(pooling: Pooling) -> None:
    empty = Features((torch.zeros(2, 0, 3),), -1, torch.zeros(2, 0, dtype=torch.bool))
    assert torch.equal(pool(empty, pooling), torch.zeros(2, 3))


def test_a_mask_counts_for_values_with_as_many_positions() -> None:
    mask = torch.ones(2, 5, dtype=torch.bool)
    assert fitting(mask, torch.zeros(2, 5, 3), -1) is mask
    assert fitting(mask, torch.zeros(2, 3, 5), 1) is mask
    for other in (torch.zeros(2, 4, 3), torch.zeros(2, 3), torch.zeros(2, 5, 4, 3)):
        assert fitting(mask, other, -1) is None
    assert fitting(None, torch.zeros(2, 5, 3), -1) is None
