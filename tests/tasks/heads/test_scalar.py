import pytest
import torch

from plait.core.errors import ConfigError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.tasks.heads import ScalarHead


def test_a_linear_head_on_the_pooled_map() -> None:
    head = ScalarHead(FeatureShape(((3, 4, 4),)), 2)
    last = torch.randn(5, 3, 4, 4)
    (linear,) = head.layers
    torch.testing.assert_close(head(Features((last,))), linear(last.mean(dim=(2, 3))))


def test_a_grid_of_cells_keeps_where_things_are() -> None:
    """Cells 2 x 2 of a 4 x 6 map are its four quarters, in the order that flatten gives."""
    head = ScalarHead(FeatureShape(((3, 4, 6),)), 2, cells=2)
    last = torch.randn(5, 3, 4, 6)
    quarters = [
        last[:, c, 2 * i : 2 * i + 2, 3 * j : 3 * j + 3].mean(dim=(1, 2))
        for c in range(3)
        for i in range(2)
        for j in range(2)
    ]
    (linear,) = head.layers
    torch.testing.assert_close(head(Features((last,))), linear(torch.stack(quarters, dim=1)))
    moved = head(Features((last.flip(3),)))
    assert not torch.allclose(moved, head(Features((last,))))


@pytest.mark.parametrize(
    "shape",
    [FeatureShape(((6,),)), FeatureShape(((6, 5),)), FeatureShape(((5, 6),), channel_dim=-1)],
)
def test_cells_need_a_map(shape: FeatureShape) -> None:
    with pytest.raises(ShapeError, match=r"2 x 2 cells needs maps \[B, C, H, W\]") as caught:
        ScalarHead(shape, 2, cells=2)
    assert f"[B, {', '.join(map(str, shape.levels[-1]))}]" in str(caught.value)


def test_hidden_layers_and_max_pooling() -> None:
    head = ScalarHead(FeatureShape(((3, 4, 4),)), 2, hidden=[5], pooling="max")
    last = torch.randn(6, 3, 4, 4)
    torch.testing.assert_close(head(Features((last,))), head.layers(last.amax(dim=(2, 3))))
    assert [layer.out_features for layer in head.layers if hasattr(layer, "out_features")] == [5, 2]


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(ConfigError, match="`pooling` must be 'mean' or 'max'; found 'sum'"):
        ScalarHead(FeatureShape(((3,),)), 2, pooling="sum")


@pytest.mark.parametrize("cells", [1, 2])
@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_maps_with_the_channels_last_are_pooled_alike(cells: int, pooling: str) -> None:
    maps = torch.randn(2, 3, 4, 6)
    one = ScalarHead(FeatureShape(((3, 4, 6),)), 2, cells=cells, pooling=pooling)
    two = ScalarHead(FeatureShape(((4, 6, 3),), -1), 2, cells=cells, pooling=pooling)
    two.load_state_dict(one.state_dict())
    right = one(Features((maps,)))
    torch.testing.assert_close(two(Features((maps.movedim(1, -1),), -1)), right)
