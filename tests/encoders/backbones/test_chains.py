from collections.abc import Callable

import torch
from torch import Tensor, nn

from plait.encoders.backbones.chains import chain_of, disturb
from tests.encoders.nets import assert_unchanged, snapshot


def own(net: nn.Module, images: Tensor) -> Tensor:
    return net(images)


class Net(nn.Module):
    """A stem, a list of blocks, and what `end` does with their output."""

    def __init__(self, end: Callable[[Tensor], Tensor] = lambda x: x) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.blocks = nn.ModuleList([nn.Conv2d(4, 4, 1), nn.Dropout(0.5)])
        self.norm = nn.GroupNorm(2, 4)
        self.head = nn.Linear(4, 7)
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.end(self.norm(x))


class Inner(nn.Module):
    """Blocks in a module that holds nothing else, which gives a structure."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.ModuleList([nn.Conv2d(3, 3, 1), nn.ReLU(inplace=True)])

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        for layer in self.layer:
            x = layer(x)
        return {"last": x}


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = Inner()
        self.norm = nn.GroupNorm(1, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.encoder(x)["last"])


def test_the_parts_up_to_what_the_module_gives() -> None:
    net = Net()
    wanted = [*net.stem, *net.blocks, net.norm]
    assert chain_of(net, torch.randn(2, 3, 6, 6), own) == wanted


def test_lists_within_a_module_that_holds_nothing_else() -> None:
    net = Outer()
    assert chain_of(net, torch.randn(2, 3, 6, 6), own) == [*net.encoder.layer, net.norm]


def test_what_does_more_than_its_parts_is_no_chain() -> None:
    images = torch.randn(2, 3, 6, 6)
    assert chain_of(Net(lambda x: x + 1e-3), images, own) is None
    assert chain_of(Net(lambda x: (x, x)), images, own) is None
    assert chain_of(nn.Conv2d(3, 4, 1), images, own) is None


def test_a_part_that_is_an_identity_at_the_start_is_not_left_out() -> None:
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            return x + self.gain[:, None, None] * x

    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)
            self.gate = Gate()

        def forward(self, x: Tensor) -> Tensor:
            return self.gate(self.conv(x))

    net = Gated()
    assert chain_of(net, torch.randn(2, 3, 4, 4), own) == [net.conv, net.gate]


def test_what_happens_in_training_alone_counts() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> Tensor:
            found = self.conv(x)
            return found + torch.randn_like(found) if self.training else found

    assert chain_of(Noisy(), torch.randn(2, 3, 4, 4), own) is None


def test_the_module_stays_as_it_is() -> None:
    net, images = Net(), torch.randn(2, 3, 6, 6)
    before = snapshot(net)
    chain_of(net, images, own)
    assert_unchanged(before, snapshot(net))


def test_no_weight_is_left_as_it_was() -> None:
    net = Net()
    before = [parameter.clone() for parameter in net.parameters()]
    disturb(net)
    for old, new in zip(before, net.parameters(), strict=True):
        assert bool((old != new).all())
