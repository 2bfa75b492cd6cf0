import pytest
import torch

from plait.core import Features, FeatureShape


@pytest.mark.parametrize(
    ("batched", "channel_dim", "channels"),
    [((2, 5), 1, 5), ((2, 5, 7, 9), 1, 5), ((2, 7, 5), -1, 5), ((2, 5), -1, 5)],
)
def test_channels_are_counted_along_the_channel_axis(
    batched: tuple[int, ...], channel_dim: int, channels: int
) -> None:
    """The shape has no batch axis, the axis counts in the batched tensor."""
    assert torch.zeros(batched).shape[channel_dim] == channels
    shape = FeatureShape((batched[1:],), channel_dim)
    assert shape.channels() == channels


def test_levels_are_counted_from_the_finest() -> None:
    shape = FeatureShape(((3, 8, 8), (6, 4, 4), (9,)))
    assert [shape.channels(level) for level in range(3)] == [3, 6, 9]
    assert shape.channels() == 9


def test_features_are_of_an_image_without_padding_unless_they_say() -> None:
    features = Features((torch.zeros(1, 2),))
    assert (features.channel_dim, features.mask, features.grid) == (1, None, None)
    with pytest.raises(AttributeError):
        features.channel_dim = -1
