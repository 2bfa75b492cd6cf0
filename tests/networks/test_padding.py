import pytest
import torch
from torch import Tensor, nn

from plait.core import Masked
from plait.core.errors import ConfigError
from plait.encoders import as_staged
from plait.networks import infer_shape


class Layer(nn.Module):
    """Attention; the mask is given to it, inverted, or left out."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        if way != "left out":
            self.masked = way != "not meant"

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None or self.way in ("left out", "not meant"):
            return self.layer(hidden)
        return self.layer(hidden, src_key_padding_mask=mask if self.way == "inverted" else ~mask)


def net(*layers: nn.Module, words: bool = True) -> nn.Module:
    first = nn.Embedding(11, 8) if words else nn.Linear(3, 8)
    made = nn.Sequential(first, *layers)
    return as_staged(made, [str(n) for n in range(len(made))], channel_dim=-1)


def inputs(*, words: bool = True, zeros: bool = False) -> Masked:
    mask = torch.arange(6) < torch.tensor([[6], [3], [2]])
    values = torch.randint(11, (3, 6)) if words else torch.randn(3, 6, 3)
    return Masked(values * 0 if zeros else values, mask & (not zeros))


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("words", [False, True])
def test_attention_without_the_mask_is_refused(words: bool, zeros: bool) -> None:
    example = inputs(words=words, zeros=zeros)
    with pytest.raises(ConfigError, match=r"stage 1 of Sequential is not given .* `masked = True`"):
        infer_shape(net(Layer("left out"), words=words), example)
    with pytest.raises(ConfigError, match=r"stage 2 of Sequential is not given"):
        infer_shape(net(Layer("given"), Layer("left out"), words=words), example)


def test_an_inverted_mask_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"stage 1 .* declares `masked`, yet .* inverted\?"):
        infer_shape(net(Layer("inverted")), inputs())


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [Layer("given"), Layer("given")],
        [nn.Sequential(Layer("given"), nn.ReLU())],
        [Layer("not meant"), Layer("left out")],
        [nn.Linear(8, 4), nn.LayerNorm(4)],
    ],
)
@pytest.mark.parametrize("words", [False, True])
def test_all_others_are_taken(layers: list[nn.Module], words: bool) -> None:
    infer_shape(net(*layers, words=words), inputs(words=words))
    infer_shape(net(*layers, words=words), inputs(words=words, zeros=True))


def test_reading_from_left_to_right_never_reads_padding_on_the_right() -> None:
    class Reads(nn.Module):
        channel_dim = -1

        def __init__(self, both: bool) -> None:
            super().__init__()
            self.embed = nn.Embedding(11, 4)
            self.read = nn.GRU(4, 4, batch_first=True, bidirectional=both)

        def forward(self, ids: Tensor) -> Tensor:
            found: Tensor = self.read(self.embed(ids))[0]
            return found

    infer_shape(Reads(both=False), inputs())
    with pytest.raises(ConfigError, match="stage 0 of Reads is not given"):
        infer_shape(Reads(both=True), inputs())
    values, mask = inputs()
    with pytest.raises(ConfigError, match="stage 0 of Reads is not given"):
        infer_shape(Reads(both=False), Masked(values, mask.flip(1)))


def test_a_vector_of_each_example_must_not_depend_on_padding_either() -> None:
    class Mean(nn.Module):
        def __init__(self, masked: bool) -> None:
            super().__init__()
            self.embed = nn.Embedding(11, 4)
            if masked:
                self.masked = True

        def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
            hidden = self.embed(ids)
            if mask is None:
                return hidden.mean(dim=1)
            return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)

    infer_shape(Mean(True), inputs())
    with pytest.raises(ConfigError, match="stage 0 of Mean is not given"):
        infer_shape(Mean(False), inputs())


def test_a_staged_view_is_verified_with_the_mask() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.layer = nn.Embedding(11, 8), Layer("left out")

        def forward(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
            found: Tensor = self.layer.layer(
                self.embed(ids),
                src_key_padding_mask=None if attention_mask is None else ~attention_mask,
            )
            return found

    with pytest.raises(ConfigError, match="stage 1 of Words is not given the padding mask"):
        as_staged(Words(), ["embed", "layer"], channel_dim=-1, example=inputs())


def test_padding_holds_codes_of_the_kind_of_their_column() -> None:
    """A word's code may be larger than there are codes of its parts."""
    seen: list[Tensor] = []

    class Words(nn.Module):
        channel_dim = -1

        def __init__(self) -> None:
            super().__init__()
            self.words, self.parts = nn.Embedding(50, 8), nn.Embedding(5, 8)

        def forward(self, codes: Tensor) -> Tensor:
            seen.append(codes)
            return self.words(codes[..., 0]) + self.parts(codes[..., 1])

    codes = torch.stack([torch.randint(40, 50, (3, 6)), torch.randint(0, 5, (3, 6))], dim=-1)
    infer_shape(Words(), Masked(codes, torch.ones(3, 6, dtype=torch.bool)))
    padded = [each[1, -1] for each in seen if not each.is_meta]
    assert len({tuple(each.tolist()) for each in padded}) > 1
    assert all(40 <= each[0] < 50 and each[1] < 5 for each in padded)
