"""Small networks of every kind, each with the losses of several tasks."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

Losses = dict[str, Tensor]
Problem = tuple[list[nn.Parameter], Callable[[], Losses]]
NETS: dict[str, Callable[[], Problem]] = {}


def net(build: Callable[[], Problem]) -> Callable[[], Problem]:
    NETS[build.__name__] = build
    return build


def losses_of(features: Tensor | dict[str, Tensor], heads: nn.ModuleDict) -> Losses:
    """Conflicting targets for the heads, in the order of their names; see `labelled`.

    They read one tensor, or one by task.
    """
    flat = features.flatten(1) if isinstance(features, Tensor) else next(iter(features.values()))
    errors = {
        name: (
            head(flat if isinstance(features, Tensor) else features[name])
            - (-1) ** position * (1 + position)
        ).square()
        for position, (name, head) in enumerate(heads.items())
    }
    if not _drawing:
        return {name: each.mean() for name, each in errors.items()}
    draw, found = _drawing[-1]
    found.update(zip(errors, draw(len(errors), len(flat)), strict=True))
    return {name: each[found[name]].mean() for name, each in errors.items() if found[name].any()}


Masks = dict[str, Tensor]
Draw = Callable[[int, int], list[Tensor]]  # (tasks, examples): a mask `[B]` for each task
_drawing: list[tuple[Draw, Masks]] = []


@contextmanager
def labelled(draw: Draw) -> Iterator[Masks]:
    """`losses_of` gives each task labels of some examples, and leaves out a task without any.

    Yields:
        `{task: mask}`, once losses were made.
    """
    masks: Masks = {}
    _drawing.append((draw, masks))
    try:
        yield masks
    finally:
        _drawing.pop()


def heads(width: int, names: str = "ab") -> nn.ModuleDict:
    return nn.ModuleDict({name: nn.Linear(width, 1) for name in names})


@net
def one_trunk() -> Problem:
    trunk, three = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 4)), heads(4, "abc")
    x = torch.randn(6, 5)
    return [*trunk.parameters(), *three.parameters()], lambda: losses_of(trunk(x), three)


@net
def parameters_of_a_part_of_the_tasks() -> Problem:
    """One is reached by a and b, one by b and c, one by c, one is frozen, and one is not used."""
    ab, bc, c, frozen, unused = (nn.Linear(3, 3) for _ in range(5))
    frozen.requires_grad_(False)
    x = torch.randn(4, 3)
    parameters = [p for m in (ab, bc, c, frozen, unused) for p in m.parameters()]

    def losses() -> Losses:
        return {
            "a": (ab(frozen(x)) - 1).square().mean(),
            "b": (ab(frozen(x)) + bc(x)).square().mean(),
            "c": (c(bc(x)) + 2).square().mean(),
        }

    return parameters, losses


@net
def tied_weights() -> Problem:
    """One matrix is embedding, output layer, and the head of another task."""
    words = nn.Embedding(6, 4)
    body, head = nn.Linear(4, 4), nn.Linear(4, 6, bias=False)
    head.weight = words.weight
    tokens = torch.tensor([1, 5, 2])

    def losses() -> Losses:
        hidden = torch.tanh(body(words(tokens)))
        again = torch.tanh(body(hidden))
        return {
            "next": F.cross_entropy(head(again), torch.tensor([5, 2, 0])),
            "norm": (hidden @ words.weight.T).square().mean(),
        }

    return [*words.parameters(), *body.parameters()], losses


@net
def several_outputs() -> Problem:
    """A module with three outputs, one of which no task reads."""

    class Split(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.common, self.left, self.right, self.idle = (nn.Linear(4, 4) for _ in range(4))

        def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor], Tensor]:
            hidden = self.common(x).relu()
            return self.left(hidden), {"right": self.right(hidden)}, self.idle(hidden)

    module, x = Split(), torch.randn(5, 4)

    def losses() -> Losses:
        left, others, _ = module(x)
        both = (left * others["right"]).mean()
        return {"l": (left - 1).square().mean(), "r": (others["right"] + 1).square().mean() + both}

    return list(module.parameters()), losses


@net
def batch_norm() -> Problem:
    trunk = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten())
    two, x = heads(12), torch.randn(4, 2, 4, 4)
    return [*trunk.parameters(), *two.parameters()], lambda: losses_of(trunk(x), two)


@net
def channels_last() -> Problem:
    trunk = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten())
    trunk[0].weight.data = trunk[0].weight.data.contiguous(memory_format=torch.channels_last)
    two, x = heads(12), torch.randn(4, 2, 4, 4).contiguous(memory_format=torch.channels_last)
    return [*trunk.parameters(), *two.parameters()], lambda: losses_of(trunk(x), two)


@net
def dropout() -> Problem:
    trunk, two = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 4)), heads(4)
    x = torch.randn(6, 5)
    return [*trunk.parameters(), *two.parameters()], lambda: losses_of(trunk(x), two)


@net
def lstm() -> Problem:
    trunk, two = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True), heads(8)
    x = torch.randn(2, 5, 3)
    return [*trunk.parameters(), *two.parameters()], lambda: losses_of(trunk(x)[0][:, -1], two)


@net
def attention() -> Problem:
    trunk = nn.TransformerEncoderLayer(8, 2, dim_feedforward=8, dropout=0.1, batch_first=True)
    two, x = heads(8), torch.randn(2, 5, 8)
    mask = torch.zeros(2, 5, dtype=torch.bool)
    mask[1, 3:] = True

    def losses() -> Losses:
        return losses_of(trunk(x, src_key_padding_mask=mask)[:, 0], two)

    return [*trunk.parameters(), *two.parameters()], losses


def _embedding(sparse: bool) -> Problem:
    """A shared table, and one that a single task reads."""
    shared, own = (nn.Embedding(9, 4, sparse=sparse) for _ in range(2))
    two, tokens = heads(4), torch.tensor([[1, 2, 2], [8, 0, 1]])

    def losses() -> Losses:
        found = losses_of(shared(tokens).mean(dim=1), two)
        found["a"] = found["a"] + own(tokens).square().sum()
        return found

    return [*shared.parameters(), *own.parameters(), *two.parameters()], losses


@net
def embedding() -> Problem:
    return _embedding(sparse=False)


@net
def sparse_embedding() -> Problem:
    return _embedding(sparse=True)


@net
def checkpointing() -> Problem:
    trunk = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 4))
    two, x = heads(4), torch.randn(6, 5)

    def losses() -> Losses:
        features = checkpoint(trunk, x, use_reentrant=False)
        assert isinstance(features, Tensor)
        return losses_of(features, two)

    return [*trunk.parameters(), *two.parameters()], losses


@net
def autocast() -> Problem:
    trunk, two = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 4)), heads(4)
    x = torch.randn(6, 5)

    def losses() -> Losses:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = losses_of(trunk(x), two)
            found["b"] = found["b"].bfloat16()  # a loss of low precision too
        return found

    return [*trunk.parameters(), *two.parameters()], losses


@net
def mixed_precision() -> Problem:
    """Shared parameters of two dtypes."""
    wide, narrow, two = nn.Linear(5, 8).double(), nn.Linear(8, 4), heads(4)
    x = torch.randn(6, 5, dtype=torch.float64)
    return (
        [*narrow.parameters(), *wide.parameters(), *two.parameters()],
        lambda: losses_of(narrow(wide(x).to(narrow.weight)), two),
    )


@net
def compiled() -> Problem:
    """A trunk as one node of the graph, which has every gradient or none."""
    torch.compiler.reset()  # a network that was compiled earlier would count as a recompilation
    trunk, two = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 4)), heads(4)
    fast, x = torch.compile(trunk, backend="aot_eager"), torch.randn(6, 5)
    return [*trunk.parameters(), *two.parameters()], lambda: losses_of(fast(x), two)


@net
def no_single_feature() -> Problem:
    """Tasks that leave a graph with skips and a loop in other places, and read each other."""
    layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(4))
    gain, two, x = nn.Parameter(torch.randn(4)), heads(4, "abcd"), torch.randn(6, 4)

    def losses() -> Losses:
        seen = [x]
        for layer in (*layers, layers[1]):  # one of them twice
            seen.append(torch.tanh(layer(seen[-1])) * gain + sum(seen[:-1]) / 3)
        found = {
            name: (head(seen[depth]) - (-1) ** depth).square().mean()
            for (name, head), depth in zip(two.items(), (2, 5, 3, 1), strict=True)
        }
        found["d"] = found["d"] + (two["a"](seen[4]).mean() - two["b"](seen[2]).mean()).abs()
        return found

    return [*layers.parameters(), gain, *two.parameters()], losses


@net
def one_task() -> Problem:
    trunk, one, x = nn.Linear(5, 4), heads(4, "a"), torch.randn(6, 5)
    return [*trunk.parameters(), *one.parameters()], lambda: losses_of(trunk(x), one)


@net
def nothing_shared() -> Problem:
    one, two, x = nn.Linear(5, 1), nn.Linear(5, 1), torch.randn(6, 5)
    return (
        [*one.parameters(), *two.parameters()],
        lambda: {"a": one(x).square().mean(), "b": (two(x) - 1).square().mean()},
    )


@net
def scalars() -> Problem:
    """Parameters of one number, one of which is a loss itself, and one of no number."""
    p, q = (nn.Parameter(torch.tensor(value)) for value in (1.0, 3.0))
    empty = nn.Parameter(torch.zeros(0))
    return [p, q, empty], lambda: {"a": p * 1, "b": (p - q).square() + empty.sum(), "c": q}


def random_graph(seed: int) -> tuple[list[nn.Parameter], list[Tensor], Losses]:
    """Sums, products and splits of earlier values; losses at random places, also at a leaf."""
    draw = random.Random(seed)
    parameters = [nn.Parameter(torch.randn(4)) for _ in range(6)]
    parameters[0].requires_grad_(False)
    values: list[Tensor] = [*parameters, torch.randn(4)]
    for _ in range(draw.randrange(3, 15)):
        one, two = draw.choice(values), draw.choice(values)
        kind = draw.randrange(4)
        if kind == 0:
            values.append(one + two)
        elif kind == 1:
            values.append((one * two).tanh())
        elif kind == 2:
            values += [torch.cat([half, half]) for half in one.split(2)]
        else:
            values.append(one.detach() * two)
    losses: Losses = {}
    while len(losses) < 4:
        value = draw.choice(values)
        if value.requires_grad:
            losses["abcd"[len(losses)]] = value.sum() if draw.random() < 0.8 else value
    return parameters, values, losses
