import pytest
import torch
from torch import Tensor, nn

from plait.core import Masked
from plait.core.errors import ConfigError
from plait.encoders import as_staged
from plait.networks import channel_dim_of, infer_shape, shape_of_run
from plait.networks.channels import channel_axes
from plait.networks.stages import encode


class Reads(nn.Module):
    """Embeds words and reads them: tokens, without a word on their axes."""

    def __init__(self, length: int | None = None) -> None:
        super().__init__()
        self.embed, self.read = nn.Embedding(10, 6), nn.GRU(6, 4, batch_first=True)
        self.length = length

    def forward(self, ids: Tensor) -> Tensor:
        assert self.length in (None, ids.shape[1])
        found: Tensor = self.read(self.embed(ids))[0]
        return found


class Last(nn.Module):
    """A convolution with the channels last, of any size or of one."""

    def __init__(self, size: int | None = None) -> None:
        super().__init__()
        self.conv, self.size = nn.Conv2d(3, 4, 3, padding=1), size

    def forward(self, x: Tensor) -> Tensor:
        assert self.size in (None, x.shape[-1])
        return self.conv(x).movedim(1, -1)


class Fixed(nn.Module):
    """A layer that takes inputs of one size alone."""

    def __init__(self, layer: nn.Module, size: int) -> None:
        super().__init__()
        self.layer, self.size = layer, size

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] == self.size
        out: Tensor = self.layer(x)
        return out


class Picks(nn.Module):
    """Hands on what it is given, and has nothing to learn."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :2]


class Unknown(nn.Module):
    """A map of one size, made by no layer that knows its axes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(192, 4 * 5 * 6))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.weight).view(-1, 4, 5, 6)


IDS = torch.zeros(2, 7, dtype=torch.long)
IMAGES, SERIES = torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8)
CASES = {
    "maps": (nn.Conv2d(3, 4, 3), IMAGES, [1]),
    "maps and a sum": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softmax(1)), IMAGES, [1, 1]),
    "series": (nn.Conv1d(3, 4, 3), SERIES, [1]),
    "as many channels as pixels": (nn.Conv2d(8, 8, 3), torch.zeros(2, 8, 8, 8), [1]),
    "volumes": (nn.Conv3d(3, 4, 3), torch.zeros(2, 3, 4, 4, 4), [1]),
    "tokens": (Reads(), IDS, [-1]),
    "padded tokens": (Reads(), Masked(IDS, torch.ones(2, 7, dtype=torch.bool)), [-1]),
    "tokens of numbers": (nn.GRU(5, 5), None, None),
    "rows": (nn.Linear(3, 4), torch.zeros(2, 6, 3), [-1]),
    "maps, channels last": (Last(), IMAGES, [-1]),
    "maps of one size": (Fixed(nn.Conv2d(3, 4, 3), 8), IMAGES, [1]),
    "rows of one size": (Fixed(nn.LayerNorm(3), 3), torch.zeros(2, 6, 3), [-1]),
    "a pool onto a grid": (nn.AdaptiveAvgPool2d(4), IMAGES, [1]),
    "an activation": (nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.ReLU()), IMAGES, [1, 1]),
    "one width": (Last(8), IMAGES, [-1]),
    "one size, no layer": (Fixed(nn.Sequential(nn.Flatten(), Unknown()), 8), IMAGES, [None]),
    "nothing": (nn.Identity(), SERIES, [None]),
    "up to a flatten": (
        nn.Sequential(nn.Conv2d(3, 2, 3), nn.Softmax(1), nn.Flatten(), nn.Linear(72, 5)),
        IMAGES,
        [1, 1, None, None],
    ),
}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2]])
def test_the_axis_is_found(name: str) -> None:
    encoder, example, expected = CASES[name]
    shape = shape_of_run(encode, encoder, example)
    assert channel_axes(encoder, example, shape) == expected


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2]])
def test_channels_first_are_taken_and_all_others_asked_for(name: str) -> None:
    encoder, example, expected = CASES[name]
    assert not hasattr(encoder, "channel_dim")
    if 1 in expected:
        assert infer_shape(encoder, example).channel_dim == 1
        return
    with pytest.raises(ConfigError, match=r"on which axis .* `encoder\.channel_dim = -1`"):
        infer_shape(encoder, example)
    for said in (1, -1):
        staged = as_staged(encoder, [encoder], channel_dim=said)
        assert infer_shape(staged, example).channel_dim == said


def test_vectors_need_no_word() -> None:
    assert infer_shape(nn.Linear(3, 4), torch.zeros(2, 3)).levels == ((4,),)


def test_levels_of_both_kinds_are_refused() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(2), Transposed(), nn.Linear(4, 4))
    with pytest.raises(ConfigError, match="stage 0 of Sequential has its channels on axis 1 and"):
        infer_shape(net, IMAGES)


class Transposed(nn.Module):
    """Maps to tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mT


def test_a_staged_view_says_what_its_module_says() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    assert not hasattr(as_staged(net, cuts=[1]), "channel_dim")
    net.channel_dim = -1
    assert channel_dim_of(as_staged(net, cuts=[1])) == -1
    assert channel_dim_of(as_staged(net, cuts=[1], channel_dim=1)) == 1


def test_images_that_are_handed_on_have_their_channels_first() -> None:
    assert infer_shape(Picks(), IMAGES).channels() == 2


def test_tokens_that_are_handed_on_are_asked_for() -> None:
    with pytest.raises(ConfigError, match="Picks must say on which axis"):
        infer_shape(Picks(), SERIES)
