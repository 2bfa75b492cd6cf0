"""Small networks that act on each example alone, by what is special about them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.gradients.nets import Losses, Problem, heads, losses_of

SPLIT: dict[str, Callable[[], Problem]] = {}


def net(build: Callable[[], Problem]) -> Callable[[], Problem]:
    SPLIT[build.__name__] = build
    return build


def _problem(trunk: nn.Module, x: Tensor, width: int, tasks: str = "abc") -> Problem:
    some = heads(width, tasks)
    parameters = [*trunk.parameters(), *some.parameters()]
    for parameter in parameters:  # no norm is without effect
        nn.init.normal_(parameter, std=0.5)
    return parameters, lambda: losses_of(trunk(x), some)


@net
def layers_and_norms() -> Problem:
    trunk = nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7), nn.GELU(), nn.Linear(7, 4, bias=False))
    return _problem(trunk, torch.randn(6, 5), 4, "abcd")


@net
def few_examples_and_wide_layers() -> Problem:
    """The Gramian comes from the kernel."""
    trunk = nn.Sequential(nn.Linear(30, 40), nn.SiLU(), nn.Linear(40, 30))
    return _problem(trunk, torch.randn(5, 30), 30, "abcdef")


@net
def transformer() -> Problem:
    layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.1, batch_first=True, norm_first=True)
    trunk = nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Flatten())
    return _problem(trunk, torch.randn(5, 3, 8), 24)


@net
def positions_first() -> Problem:
    class SequenceFirst(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.1)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.layer(x).mean(dim=0)
            return found

    return _problem(SequenceFirst(), torch.randn(3, 5, 8), 8)


@net
def tokens_and_positions() -> Problem:
    """A class token and positions in front of a root-mean-square norm, as language models have."""

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(9, 6, padding_idx=0)
            self.first = nn.Parameter(torch.zeros(1, 1, 6))
            self.places = nn.Parameter(torch.zeros(4, 6))
            self.gain = nn.Parameter(torch.ones(6))
            self.out = nn.Linear(6, 4)

        def forward(self, tokens: Tensor) -> Tensor:
            x = torch.cat([self.first.expand(len(tokens), -1, -1), self.words(tokens)], dim=1)
            x = x + self.places
            x = x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * self.gain
            return F.silu(self.out(x)).amax(dim=1)

    return _problem(Tokens(), torch.randint(0, 9, (6, 3)), 4)


@net
def images() -> Problem:
    trunk = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.GroupNorm(2, 4),
        nn.ReLU(),
        nn.Conv2d(4, 6, 2, groups=2, bias=False),
        nn.AvgPool2d(2),
        nn.ConvTranspose2d(6, 3, 2),
        nn.Flatten(),
    )
    return _problem(trunk, torch.randn(5, 2, 5, 5), 27)


@net
def running_statistics() -> Problem:
    """BatchNorm that is kept as it is in fine-tuning."""
    trunk = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    trunk(torch.randn(6, 2, 4, 4))
    return _problem(trunk.eval(), torch.randn(5, 2, 4, 4), 16)


@net
def a_layer_that_is_used_twice() -> Problem:
    class Again(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter, self.loop = nn.Linear(3, 4), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(self.loop(torch.tanh(self.loop(self.enter(x)))))

    return _problem(Again(), torch.randn(6, 3), 4)


@net
def a_frozen_part() -> Problem:
    trunk = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 4))
    parameters, losses = _problem(trunk, torch.randn(6, 5), 4)
    for parameter in (trunk[0].weight, trunk[2].bias):
        assert isinstance(parameter, Tensor)
        parameter.requires_grad_(False)
    return parameters, losses


@net
def tasks_that_leave_early() -> Problem:
    """One reads the first layer, one the second, one both."""
    first, second, some = nn.Linear(5, 4), nn.Linear(4, 4), heads(4, "abc")
    x = torch.randn(6, 5)

    def losses() -> Losses:
        low = torch.tanh(first(x))
        high = torch.tanh(second(low))
        return losses_of({"a": low, "b": high, "c": low + high}, some)

    return [*first.parameters(), *second.parameters(), *some.parameters()], losses


@net
def a_trunk_for_each_task_with_one_layer_in_common() -> Problem:
    """Every task has a forward pass of its own."""
    common, some = nn.Linear(5, 4), heads(4, "abc")
    inputs = {name: torch.randn(6, 5) for name in "abc"}

    def losses() -> Losses:
        return losses_of({name: torch.tanh(common(x)) for name, x in inputs.items()}, some)

    return [*common.parameters(), *some.parameters()], losses


@net
def weights_that_are_computed() -> Problem:
    """Of parameters alone: normalised, shifted, cut out of one, read at places of a table."""

    class Computed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.normal = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
            self.gain, self.places = nn.Parameter(torch.ones(4)), nn.Embedding(5, 4)
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            keys = self.normal(x) * (1 + self.gain) + self.places(torch.tensor([[2, 0, 1]]))
            found: Tensor = self.attention(keys[:, :2], keys, keys, need_weights=False)[0]
            return found.mean(dim=1)

    return _problem(Computed(), torch.randn(5, 3, 4), 4)


@net
def a_weight_that_is_used_as_it_is_and_computed() -> Problem:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            weight = self.layer.weight
            return F.linear(torch.tanh(self.layer(x)), (weight - weight.mean()).T)

    return _problem(Both(), torch.randn(6, 4), 4)
