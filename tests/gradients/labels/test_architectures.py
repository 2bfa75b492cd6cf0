"""Networks as they are built, so that a release of torch with other nodes does not go unseen."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.gradients.labels.places import PerExample
from tests.gradients.labels.split import assert_split
from tests.gradients.nets import heads, losses_of

pytestmark = pytest.mark.usefixtures("double")

B = 3


class Vision(nn.Module):
    """A vision transformer: patches by a convolution, a token in front, positions."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(torch.randn(1, 5, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, F.gelu, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8), enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), patches], dim=1)
        found: Tensor = self.encoder(tokens + self.positions)
        return found[:, 0]


class Language(nn.Module):
    """Embeddings, a rotation of the queries and keys, causal attention, gated layers, RMSNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.norm, self.last = nn.Embedding(9, 8), nn.RMSNorm(8), nn.RMSNorm(8)
        self.queries, self.keys, self.values, self.out = (
            nn.Linear(8, 8, bias=False) for _ in range(4)
        )
        self.up, self.gate, self.down = nn.Linear(8, 12), nn.Linear(8, 12), nn.Linear(12, 8)

    def rotated(self, x: Tensor) -> Tensor:
        angle = torch.arange(x.shape[-2])[:, None] / torch.tensor([1.0, 10.0])
        angle = torch.cat([angle, angle], -1)
        half = torch.cat([-x[..., 2:], x[..., :2]], -1)
        return x * angle.cos() + half * angle.sin()

    def forward(self, codes: Tensor) -> Tensor:
        x = self.words(codes)
        normed = self.norm(x)
        parts = (layer(normed) for layer in (self.queries, self.keys, self.values))
        q, k, v = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(self.rotated(q), self.rotated(k), v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        x = x + self.down(F.silu(self.gate(x)) * self.up(x))
        found: Tensor = self.last(x)
        return found[:, -1]


class ConvNeXt(nn.Module):
    """A block with a depthwise convolution, channels last, and a scale."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deep = nn.Conv2d(3, 4, 2, stride=2), nn.Conv2d(4, 4, 3, 1, 1, groups=4)
        self.norm, self.up, self.down = nn.LayerNorm(4), nn.Linear(4, 8), nn.Linear(8, 4)
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        inner = self.norm(self.deep(x).permute(0, 2, 3, 1))
        inner = self.scale * self.down(F.gelu(self.up(inner)))
        return (x + inner.permute(0, 3, 1, 2)).mean((2, 3))


class UNet(nn.Module):
    """Down and up again, with a skip."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.deep = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.up, self.last = nn.ConvTranspose2d(4, 4, 2, stride=2), nn.Conv2d(8, 2, 1)
        self.norm = nn.GroupNorm(2, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.norm(self.first(x)))
        low = self.up(F.relu(self.deep(F.max_pool2d(x, 2))))
        wide = F.interpolate(low[..., :4, :4], scale_factor=2, mode="bilinear")
        found: Tensor = self.last(torch.cat([x, low + wide], dim=1))
        return found


class Recurrent(nn.Module):
    """A bidirectional layer over features of words."""

    def __init__(self, kind: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.layer = kind(4, 4, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x)[0]
        return found.amax(1)


class Experts(nn.Module):
    """All experts at once, weighted by a gate of each example."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(3, 4, 5))
        self.gate = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        outputs = torch.bmm(x.expand(3, -1, -1), self.weights).relu()
        return torch.einsum("ebo,be->bo", outputs, self.gate(x).softmax(-1))


def residual() -> nn.Module:
    """Trained earlier: BatchNorm has its running statistics."""
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Dropout2d(0.3),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 4),
    )
    layers(torch.randn(9, 3, 8, 8))
    layers[1].eval()
    return layers


def mlp() -> nn.Module:
    kinds = (nn.ReLU, nn.GELU, nn.SiLU, nn.ELU, nn.Softplus, nn.LayerNorm)
    middle = [layer for kind in kinds for layer in (nn.Linear(4, 4), _made(kind), nn.Dropout(0.1))]
    return nn.Sequential(*middle)


def _made(kind: type[nn.Module]) -> nn.Module:
    return nn.LayerNorm(4) if kind is nn.LayerNorm else kind()


def images() -> Tensor:
    return torch.randn(B, 3, 8, 8)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor]]] = {
    "convolutions with running statistics": (residual, images),
    "a ConvNeXt block": (ConvNeXt, images),
    "experts": (Experts, lambda: torch.randn(B, 4)),
    "a GRU": (lambda: Recurrent(nn.GRU), lambda: torch.randn(B, 5, 4)),
    "a language model": (Language, lambda: torch.randint(9, (B, 5))),
    "an LSTM": (lambda: Recurrent(nn.LSTM), lambda: torch.randn(B, 5, 4)),
    "an MLP": (mlp, lambda: torch.randn(B, 4)),
    "a U-Net": (UNet, images),
    "a vision transformer": (Vision, images),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_is_split_by_example(name: str) -> None:
    build, inputs = NETWORKS[name]
    features = build()(inputs())
    losses = losses_of(features, heads(features[0].numel(), "abcd"))
    assert isinstance(assert_split(losses, B), PerExample)
