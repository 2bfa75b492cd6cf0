import torch
from torch import Tensor, nn

from plait.encoders.backbones.layouts import ChannelsFirst
from plait.encoders.backbones.levels import cut_at_grids


def shapes(stages: list[nn.Sequential], images: Tensor) -> list[tuple[int, ...]]:
    found = []
    for stage in stages:
        images = stage(images)
        found.append(tuple(images.shape[1:]))
    return found


def composed(parts: list[nn.Module], images: Tensor) -> Tensor:
    for part in parts:
        images = part(images)
    return images


class Last(nn.Module):
    """A layer for maps with their channels last."""

    def __init__(self, fan_in: int, fan_out: int, stride: int = 1) -> None:
        super().__init__()
        self.linear, self.stride = nn.Linear(fan_in, fan_out), stride

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x[:, :: self.stride, :: self.stride])


def test_a_stage_for_each_grid() -> None:
    images = torch.randn(2, 3, 32, 16)
    strides = [(3, 4, 2), (4, 5, 1), (5, 6, 2), (6, 7, 2), (7, 8, 1)]
    parts = [nn.Conv2d(a, b, 3, stride, padding=1) for a, b, stride in strides]
    stages = cut_at_grids(parts, images, [8, 2, 4])
    assert shapes(stages, images) == [(5, 16, 8), (6, 8, 4), (8, 4, 2)]
    assert torch.equal(nn.Sequential(*stages)(images), composed(parts, images))
    assert [len(stage) for stage in stages] == [2, 1, 2]


def test_channels_that_are_last_are_moved() -> None:
    class ToLast(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.movedim(1, -1)

    images = torch.randn(2, 3, 16, 16)
    parts = [nn.Conv2d(3, 8, 2, 2), ToLast(), Last(8, 4, 2), Last(4, 6)]
    stages = cut_at_grids(parts, images, [2, 4], last=True)
    assert shapes(stages, images) == [(8, 8, 8), (6, 4, 4)]
    wanted = composed(parts, images)
    assert torch.equal(nn.Sequential(*stages)(images), wanted.movedim(-1, 1))


def test_a_shape_that_allows_both_is_read_as_the_network_says() -> None:
    images = torch.randn(2, 3, 16, 16)  # maps of 8 x 8 with 8 channels
    first = cut_at_grids([nn.Conv2d(3, 8, 2, 2)], images, [2])
    last = cut_at_grids([nn.Conv2d(3, 8, 2, 2)], images, [2], last=True)
    assert not any(isinstance(part, ChannelsFirst) for part in first[0])
    assert isinstance(last[0][-1], ChannelsFirst)


def test_tokens_at_the_end_are_laid_on_their_grid() -> None:
    class Tokens(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(2).mT

    images = torch.randn(2, 3, 16, 8)
    conv = nn.Conv2d(3, 5, 2, 2)
    parts = [conv, nn.Conv2d(5, 6, 2, 2), Tokens(), nn.LayerNorm(6)]
    stages = cut_at_grids(parts, images, [2, 4])
    assert shapes(stages, images) == [(5, 8, 4), (6, 4, 2)]
    wanted = composed(parts, images)
    found = nn.Sequential(*stages)(images)
    assert torch.equal(found.flatten(2).mT, wanted)


def test_a_vector_at_the_end_is_a_level_of_its_own() -> None:
    images = torch.randn(2, 3, 8, 8)
    parts = [nn.Conv2d(3, 4, 2, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    assert shapes(cut_at_grids(parts, images, [2]), images) == [(4, 4, 4), (4,)]


def test_without_reductions_there_is_one_stage() -> None:
    images = torch.randn(2, 3, 8, 8)
    parts = [nn.Conv2d(3, 4, 2, 2), nn.Conv2d(4, 5, 2, 2)]
    assert shapes(cut_at_grids(parts, images, []), images) == [(5, 2, 2)]


def test_modes_statistics_and_random_state_stay() -> None:
    parts = [nn.Conv2d(3, 4, 2, 2), nn.BatchNorm2d(4), nn.Dropout()]
    state = torch.get_rng_state()
    cut_at_grids(parts, torch.randn(2, 3, 8, 8, generator=torch.Generator()), [2])
    assert parts[1].training and int(parts[1].num_batches_tracked) == 0
    assert torch.equal(torch.get_rng_state(), state)
