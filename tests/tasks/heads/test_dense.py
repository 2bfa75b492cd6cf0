import pytest
import torch

from plait.core.errors import ShapeError
from plait.core.features import Features, FeatureShape
from plait.tasks.heads import DenseHead


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (9, 31), (8, 15)])
def test_a_dense_head_predicts_on_the_grid_of_the_input(size: tuple[int, int]) -> None:
    height, width = size
    levels = tuple((4 * 2**b, height // 2**b, width // 2**b) for b in range(1, 4))
    head = DenseHead(FeatureShape(levels), 5, width=6)
    features = Features(tuple(torch.randn(2, *level) for level in levels), grid=size)
    out = head(features)
    assert out.shape == (2, 5, *size)
    # every level is read
    for position in range(3):
        changed = list(features.levels)
        changed[position] = changed[position] + 1
        assert not torch.allclose(head(Features(tuple(changed), grid=size)), out)


def test_without_a_grid_the_prediction_is_on_the_finest_level() -> None:
    levels = ((4, 8, 8), (6, 4, 4))
    head = DenseHead(FeatureShape(levels), 2, width=3)
    assert head(Features(tuple(torch.randn(1, *level) for level in levels))).shape == (1, 2, 8, 8)


def test_one_level_goes_through_three_convolutions_in_a_row() -> None:
    head = DenseHead(FeatureShape(((4, 5, 5),)), 2, width=3)
    last = torch.randn(2, 4, 5, 5)
    (lateral,) = head.lateral
    expected = head.predict(head.smooth(lateral(last)).clamp(min=0))
    torch.testing.assert_close(head(Features((last,), grid=(5, 5))), expected)


def test_the_coarser_sum_is_resized_and_added() -> None:
    """A coarse level that is constant adds the same vector everywhere."""
    head = DenseHead(FeatureShape(((4, 6, 6), (5, 3, 3))), 2, width=3)
    fine, coarse = torch.randn(1, 4, 6, 6), torch.ones(1, 5, 3, 3)
    first, second = head.lateral
    total = first(fine) + second(torch.ones(1, 5, 1, 1))
    expected = head.predict(head.smooth(total).clamp(min=0))
    torch.testing.assert_close(head(Features((fine, coarse), grid=(6, 6))), expected)


def test_the_last_level_of_each_grid_is_read() -> None:
    """Stages that keep the grid refine it; a level that is no map is left out."""
    levels = ((4, 8, 8), (6, 8, 8), (7, 4, 4), (9,))
    head = DenseHead(FeatureShape(levels), 2, width=3)
    assert [lateral.in_channels for lateral in head.lateral] == [6, 7]
    features = Features(tuple(torch.randn(2, *level) for level in levels), grid=(8, 8))
    out = head(features)
    for position, counts in enumerate([False, True, True, False]):
        changed = list(features.levels)
        changed[position] = changed[position] + 1
        same = torch.equal(head(Features(tuple(changed), grid=(8, 8))), out)
        assert same != counts


@pytest.mark.parametrize(
    "shape",
    [FeatureShape(((6,),)), FeatureShape(((6, 5),)), FeatureShape(((5, 6),), channel_dim=-1)],
)
def test_a_dense_head_needs_a_grid(shape: FeatureShape) -> None:
    with pytest.raises(ShapeError, match=r"needs features with a grid, \[B, C, H, W\]") as caught:
        DenseHead(shape, 2)
    assert f"the last level is [B, {', '.join(map(str, shape.levels[-1]))}]" in str(caught.value)


def test_maps_with_the_channels_last_predict_as_those_with_the_channels_first() -> None:
    first = [torch.randn(2, 4, 6, 8), torch.randn(2, 5, 3, 4)]
    last = [level.movedim(1, -1) for level in first]
    shapes = [
        FeatureShape(tuple(tuple(level.shape[1:]) for level in each)) for each in (first, last)
    ]
    one = DenseHead(shapes[0], 2)
    two = DenseHead(FeatureShape(shapes[1].levels, channel_dim=-1), 2)
    two.load_state_dict(one.state_dict())
    right = one(Features(tuple(first), grid=(12, 16)))
    assert torch.equal(two(Features(tuple(last), -1, grid=(12, 16))), right)
