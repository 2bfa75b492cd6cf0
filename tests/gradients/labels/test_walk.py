"""What acts on each example alone is accepted, and nothing else; what is accepted is exact."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from plait.gradients.labels.places import PerExample, Refusal
from plait.gradients.labels.walk import walk
from plait.gradients.task_graph import TaskGraph
from tests.gradients.labels.split import assert_split
from tests.gradients.nets import NETS, Losses, heads, losses_of
from tests.gradients.products import split

pytestmark = pytest.mark.usefixtures("double")

# Examples of the nets, and the node that forbids it; "" if none does
EXPECTED = {
    "attention": (2, ""),
    "autocast": (6, "AddmmBackward0"),
    "batch_norm": (4, "NativeBatchNormBackward0"),
    "channels_last": (4, ""),
    "checkpointing": (6, "AddmmBackward0"),
    "compiled": (6, "CompiledFunctionBackward"),
    "dropout": (6, ""),
    "embedding": (2, ""),
    "lstm": (2, "MkldnnRnnLayerBackward0"),
    "mixed_precision": (6, "ToCopyBackward0"),
    "no_single_feature": (6, ""),
    "nothing_shared": (6, ""),
    "one_task": (6, ""),
    "one_trunk": (6, ""),
    "parameters_of_a_part_of_the_tasks": (4, ""),
    "scalars": (3, "AccumulateGrad"),
    "several_outputs": (5, ""),
    "sparse_embedding": (2, "EmbeddingBackward0"),
    "tied_weights": (3, ""),
}
SLOW = {"compiled"}


def refusal(losses: Losses, examples: int) -> Refusal:
    found = walk(TaskGraph(losses), examples, split(losses)[0])
    assert isinstance(found, Refusal)
    return found


def test_every_net_is_known_here() -> None:
    assert EXPECTED.keys() == NETS.keys()


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in NETS]
)
def test_every_net_is_exact_or_refused_by_its_node(name: str) -> None:
    examples, node = EXPECTED[name]
    torch.set_default_dtype(torch.float32)
    losses = NETS[name]()[1]()
    found = walk(TaskGraph(losses), examples, split(losses)[0])
    assert (found.node if isinstance(found, Refusal) else "") == node
    if not node:
        torch.set_default_dtype(torch.float64)
        assert isinstance(assert_split(NETS[name]()[1](), examples), PerExample)


def test_the_parameters_of_the_node_that_forbids_it_are_named() -> None:
    parameters, make_losses = NETS["batch_norm"]()
    found = refusal(make_losses(), 4)
    assert [id(each) for each in found.parameters] == [id(parameters[2]), id(parameters[3])]
    assert found.inside and "statistics" in found.why


# --- trunks, from `[4, 4, 4]` to features `[4, n]` ------------------------------------------------

B = 4  # as wide as everything else


class Trunk(nn.Module):
    """A layer, then what is tried, then a layer."""

    def __init__(self, middle: Callable[[Tensor], Any], after: int = 4) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(after, 3)
        self.middle = middle
        if isinstance(middle, nn.Module):
            self.own = middle

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.middle(torch.tanh(self.first(x)))
        return self.last(hidden).flatten(1)


def losses_through(middle: Callable[[Tensor], Any], tasks: str = "abc", after: int = 4) -> Losses:
    output = Trunk(middle, after)(torch.randn(B, 4, 4))
    return losses_of(output, heads(output.shape[1], tasks))


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape))


def mapped(x: Tensor, bias: bool = True) -> Tensor:
    size = x.shape[-1]
    return F.linear(x, parameter(size, size), parameter(size) if bias else None)


def attend(queries: Tensor, keys: Tensor) -> Tensor:
    return (queries @ keys.mT).softmax(-1) @ keys


def positions_first(x: Tensor, layer: Callable[[Tensor], Tensor]) -> Tensor:
    """`[positions, B, width]` and back."""
    found: Tensor = layer(x.transpose(0, 1)).transpose(0, 1)
    return found


def scaled(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return x * nn.Parameter(torch.randn(shape))


def shifted(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return x + nn.Parameter(torch.randn(shape))


class Doubled(torch.autograd.Function):
    """A node of one's own, of which nothing is known."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return 2 * gradient


def hooked() -> nn.Module:
    layer = nn.Linear(4, 4).double()
    layer.register_full_backward_hook(lambda *_: None)
    return layer


def set_to_zero(x: Tensor) -> Tensor:
    x[:, 0] = 0
    return x


ALONE: dict[str, Callable[[Tensor], Tensor]] = {
    "nothing": lambda x: x,
    "attention in an example": lambda x: attend(x, x),
    "heads of attention": lambda x: nn.MultiheadAttention(4, 2, batch_first=True)(x, x, x)[0],
    "positions first": lambda x: positions_first(x, nn.TransformerEncoderLayer(4, 2, 4)),
    "batch norm that is not trained": nn.BatchNorm1d(4).double().eval(),
    "group norm": nn.GroupNorm(2, 4).double(),
    "instance norm": nn.InstanceNorm1d(4),
    "layer norm of two axes": nn.LayerNorm([4, 4]).double(),
    "convolution": nn.Conv1d(4, 4, 3, padding=1, groups=2).double(),
    "positions that are learned": lambda x: shifted(x, (4, 4)),
    "positions of one number": lambda x: shifted(x, (4, 1)),
    "scales by position": lambda x: scaled(x, (1, 4, 1)),
    "a scale of all": lambda x: scaled(x, ()),
    "a token in front": lambda x: torch.cat(
        [nn.Parameter(torch.randn(1, 1, 4)).expand(B, -1, -1), x], dim=1
    ),
    "one axis of examples and positions": lambda x: F.linear(
        x.reshape(16, 4), nn.Parameter(torch.randn(4, 4))
    ).view(4, 4, 4),
    "a matrix for each position": lambda x: torch.einsum(
        "bpi,pio->bpo", x, nn.Parameter(torch.randn(4, 4, 4))
    ),
    "cumulative sums over positions": lambda x: x.cumsum(1),
    "deviations from the mean of an example": lambda x: x - x.mean(1, keepdim=True),
    "detached statistics of the batch": lambda x: x - x.mean(0).detach(),
    "a recurrent layer": lambda x: nn.GRU(4, 4, batch_first=True)(x)[0],
    "gates": lambda x: torch.cat(x.chunk(2, -1)[::-1], -1) * x.sigmoid(),
    "a part": lambda x: x[:, [2, 0]],
    "a residual": lambda x: x + F.gelu(x),
    "dropout": nn.Dropout(0.5),
    "weights that are normalised": parametrizations.weight_norm(nn.Linear(4, 4)).double(),
    "weights of a largest singular value": parametrizations.spectral_norm(nn.Linear(4, 4)).double(),
    "a part of a parameter": lambda x: F.linear(x, nn.Parameter(torch.randn(8, 4)).chunk(2)[1]),
    "cross-attention": lambda x: nn.MultiheadAttention(4, 2, batch_first=True)(x[:, :2], x, x)[0],
    "places of a table": lambda x: x + F.embedding(torch.arange(4)[None], parameter(6, 4)),
    "a shifted scale": lambda x: x * (1 + parameter(4)),
    "a computed bias and weight": lambda x: F.linear(x, parameter(4, 4).tanh(), parameter(4).exp()),
    "a convolution that is computed": lambda x: F.conv1d(
        x, parameter(4, 4, 1) * parameter(4, 1, 1)
    ),
    "a scale from the mean of other data": lambda x: x * mapped(torch.randn(5, 4)).mean(0),
    "a weight from a network": lambda x: F.linear(x, nn.Linear(3, 4).double()(torch.ones(4, 3))),
}
TOGETHER: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "batch norm": (nn.BatchNorm1d(4).double(), "NativeBatchNormBackward0"),
    "deviations from the mean of the batch": (lambda x: x - x.mean(0), "MeanBackward1"),
    "softmax over the batch": (lambda x: x.softmax(0), "SoftmaxBackward0"),
    "attention across the batch": (
        lambda x: nn.MultiheadAttention(4, 2)(x, x, x)[0],
        "SelectBackward0",
    ),
    "attention across the batch by hand": (
        lambda x: positions_first(x, lambda y: attend(y, y)),
        "ExpandBackward0",
    ),
    "a permutation": (lambda x: x[[2, 0, 3, 1]], "IndexBackward0"),
    "the examples backwards": (lambda x: x.flip(0), "FlipBackward0"),
    "neighbours": (lambda x: x + x.roll(1, 0), "RollBackward0"),
    "sorted": (lambda x: x.sort(0)[0], "SortBackward0"),
    "cumulative sums": (lambda x: x.cumsum(0), "CumsumBackward0"),
    "similarities": (
        lambda x: (x.flatten(1) @ x.flatten(1).T)[:, None].expand(-1, 4, -1),
        "TanhBackward0",
    ),
    "joined halves": (lambda x: torch.cat([x[2:], x[:2]]), "CatBackward0"),
    "stacked examples": (lambda x: torch.stack([x[0], x[1], x[3], x[2]]), "StackBackward0"),
    "the first example for all": (lambda x: x + x[:1], "SliceBackward0"),
    "the largest of the batch": (lambda x: x / x.amax((0, 1, 2)), "AmaxBackward0"),
    "a recurrent layer over the batch": (lambda x: nn.GRU(4, 4)(x)[0], "StackBackward0"),
    "examples that meet positions": (lambda x: x + x.transpose(0, 1), "TanhBackward0"),
    "a parameter for each example": (lambda x: shifted(x, (4, 1, 1)), "AddBackward0"),
    "a convolution over the batch": (
        lambda x: nn.Conv1d(4, 4, 3, padding=1)(x.permute(1, 2, 0)).permute(2, 0, 1),
        "ConvolutionBackward0",
    ),
    "a matrix that stands left": (
        lambda x: (nn.Parameter(torch.randn(4, 4)) @ x.reshape(16, 4).T).T.view(4, 4, 4),
        "MmBackward0",
    ),
    "a slope that is learned": (nn.PReLU().double(), "PreluKernelBackward0"),
    "a gate of the batch": (lambda x: x * x.mean((0, 1)).sigmoid(), "SigmoidBackward0"),
    "a table that the batch scales": (
        lambda x: x + nn.Parameter(torch.randn(4)) * x.sum(),
        "MulBackward0",
    ),
    "a computed slope": (
        lambda x: torch.where(x > 0, x, x - nn.Parameter(torch.randn(4)).exp()),
        "SubBackward0",
    ),
    "a bias with a factor": (
        lambda x: torch.add(x, nn.Parameter(torch.randn(4)), alpha=2.0),
        "AddBackward0",
    ),
    "a node written in Python": (lambda x: Doubled.apply(x), "DoubledBackward"),
    "a module with a backward hook": (hooked(), "BackwardHookFunctionBackward"),
    "a change in place": (lambda x: set_to_zero(x.clone()), "CopySlices"),
}


@pytest.mark.parametrize("name", ALONE)
def test_what_acts_on_each_example_alone_is_exact(name: str) -> None:
    assert isinstance(assert_split(losses_through(ALONE[name]), B), PerExample)


@pytest.mark.parametrize("name", TOGETHER)
def test_what_lets_examples_act_on_each_other_is_refused(name: str) -> None:
    middle, node = TOGETHER[name]
    found = refusal(losses_through(middle), B)
    assert found.node == node and found.parameters


# --- where the tasks begin ------------------------------------------------------------------------


def test_a_loss_may_couple_its_examples_above_the_cut() -> None:
    """Such as one of pairs; and one that reads hidden layers of several depths."""
    first, second, two = nn.Linear(4, 4), nn.Linear(4, 4), heads(4)
    hidden = first(torch.randn(B, 4)).tanh()
    deep = second(hidden)
    ranks = two["a"](deep)
    losses = {
        "a": (ranks - ranks.T).relu().sum() + hidden.square().mean(),
        "b": two["b"](deep * hidden).std() + deep.softmax(0)[0, 0],
    }
    found = refusal(losses, B)
    assert found.node == "SoftmaxBackward0"  # reads what is shared, so it is below the cut
    losses["b"] = two["b"](deep * hidden).std()
    assert isinstance(assert_split(losses, B), PerExample)


def test_tasks_that_read_each_other_and_share_heads() -> None:
    trunk, head, own = nn.Linear(4, 4), nn.Linear(4, 2), heads(4, "ab")
    hidden = trunk(torch.randn(B, 4)).tanh()
    first = own["a"](hidden)
    losses = {
        "a": (first - 1).square().mean(),
        "b": (own["b"](hidden * first) + 2).square().mean(),
        "c": (head(hidden) - 1).square().mean(),
        "d": (head(hidden) + 1).square().mean(),
    }
    found = assert_split(losses, B)
    assert isinstance(found, PerExample)
    assert {id(p) for use in found.uses for p in use.parameters.values()} >= {id(head.weight)}


def test_a_penalty_on_shared_weights_within_a_loss_is_refused() -> None:
    losses = losses_through(lambda x: x)
    weight = next(each for each in split(losses)[0] if len(each) == B)  # as if of the examples
    for penalty, node in ((weight.square().sum(), "PowBackward0"), (weight.norm(), "LinalgVector")):
        found = refusal({**losses, "a": losses["a"] + penalty}, B)
        assert found.node.startswith(node) and found.inside


def test_a_loss_that_other_losses_have_is_refused() -> None:
    losses = losses_through(lambda x: x)
    found = refusal({**losses, "b": losses["b"] + losses["a"]}, B)
    assert found.node == "MeanBackward0" and "'a'" in found.why
    assert "loss of" in refusal({"a": losses["a"], "b": losses["a"]}, B).why


def test_losses_of_one_tensor_are_refused() -> None:
    output = Trunk(lambda x: x)(torch.randn(B, 4, 4))
    means = output.square().mean(0)
    found = refusal({"a": means[0], "b": means[1]}, B)
    assert found.node == "SelectBackward0" and "its output []" in found.why


def test_another_count_of_examples_is_refused() -> None:
    losses = losses_through(lambda x: x)
    assert refusal(losses, 3).why.endswith("has the 3 examples in front")
    assert refusal(losses, 1).node == ""


def test_a_part_of_the_examples_is_refused() -> None:
    trunk, two = nn.Linear(4, 4), heads(4)
    hidden = trunk(torch.randn(B, 4))
    losses = {"a": two["a"](hidden[:2]).mean(), "b": two["b"](hidden[2:]).mean()}
    for examples in (B, 2):
        assert refusal(losses, examples).node == "SliceBackward0"


def test_a_parameter_that_one_task_reaches_in_this_step() -> None:
    """It may have been shared in an earlier one."""
    losses = losses_through(lambda x: x, "a")
    parameters = split(losses)[1]
    found = walk(TaskGraph(losses), B, parameters)
    assert isinstance(found, PerExample) and not found.cuts and not found.uses
    assert [(id(p), task) for p, task in found.alone] == [(id(p), "a") for p, _ in found.alone]
    assert {id(p) for p, _ in found.alone} == set(map(id, parameters))


def test_a_weight_in_common_with_a_part_for_each_task() -> None:
    """As low ranks for each task are added: the sum is computed of parameters, in its own part."""
    trunk, common, two = nn.Linear(4, 4), nn.Parameter(torch.randn(6, 4)), heads(6)
    hidden = trunk(torch.randn(B, 4)).tanh()
    losses = {}
    for task, head in two.items():
        weight = common + parameter(6, 2) @ parameter(2, 4)
        losses[task] = head(F.linear(hidden, weight)).square().mean()
    found = assert_split(losses, B)
    assert isinstance(found, PerExample)
    assert sum(any(each is common for each in use.reaches) for use in found.uses) == 2


def test_own_parameters_may_mix_where_no_one_else_comes() -> None:
    """A head that normalises its own weights, and one that normalises over its own outputs."""
    trunk, head, two = nn.Linear(4, 4), parametrizations.weight_norm(nn.Linear(4, 1)), heads(4)
    hidden, norm = trunk(torch.randn(B, 4)), nn.BatchNorm1d(1)
    losses = {"a": (head(hidden) - 1).square().mean(), "b": (norm(two["b"](hidden)) ** 4).mean()}
    assert isinstance(assert_split(losses, B), PerExample)
    losses["b"] = two["b"](nn.BatchNorm1d(4)(hidden)).square().mean()
    assert refusal(losses, B).node == "NativeBatchNormBackward0"


# --- what cannot be read ------------------------------------------------------------------------


def test_a_hook_on_a_parameter_is_refused() -> None:
    losses = losses_through(lambda x: x)
    bias = next(each for each in split(losses)[0] if each.shape == (3,))
    handle = bias.register_hook(lambda gradient: 2 * gradient)
    assert "hook" in refusal(losses, B).why
    handle.remove()
    assert isinstance(assert_split(losses, B), PerExample)


def test_a_gradient_that_is_kept_changes_nothing() -> None:
    kept = []

    def keep(x: Tensor) -> Tensor:
        x.retain_grad()
        kept.append(x)
        return x

    assert isinstance(assert_split(losses_through(keep), B), PerExample)


def test_what_is_saved_through_hooks_is_refused_and_not_read() -> None:
    unpacked = []
    for middle in (torch.tanh, lambda x: x[:, [1, 0]]):
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: tensor, lambda tensor: unpacked.append(1) or tensor
        ):
            losses = losses_through(middle)
        assert "hooks" in refusal(losses, B).why
    assert not unpacked
    again = losses_through(lambda x: checkpoint(torch.tanh, x, use_reentrant=True))
    assert refusal(again, B).node == "CheckpointFunctionBackward"


def test_half_precision_and_two_precisions_are_refused() -> None:
    x, two = torch.randn(B, 4), heads(4)
    single = nn.Linear(4, 4).float()(x.float()).double()
    assert refusal(losses_of(single, two), B).why == "reads float32 in a graph of float64"
    half = nn.Linear(4, 4).bfloat16()(x.bfloat16()).double()
    assert refusal(losses_of(half, two), B).why == "works in bfloat16"
    low = nn.Linear(4, 4).bfloat16()(x.bfloat16())
    assert refusal(losses_of(low, two.bfloat16()), B).why == "works in bfloat16"


def test_a_subclass_of_tensor_is_refused() -> None:
    class Named(nn.Parameter):
        pass

    layer = nn.Linear(4, 4, bias=False)
    layer.weight = Named(layer.weight.detach())
    assert "Named" in refusal(losses_through(layer), B).why


def test_a_parameter_without_numbers_is_passed_over() -> None:
    losses = losses_through(lambda x: x)
    shared = [*split(losses)[0], nn.Parameter(torch.zeros(0))]
    assert isinstance(walk(TaskGraph(losses), B, shared), PerExample)


# --- random graphs --------------------------------------------------------------------------------


# Each takes and gives `[4, n, n]`; the second argument is an earlier tensor
SAFE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear": lambda x, _: mapped(x),
    "linear without bias": lambda x, _: mapped(x, bias=False),
    "linear of merged axes": lambda x, _: mapped(x.flatten(0, 1)).view(x.shape),
    "linear of positions": lambda x, _: mapped(x.mT).mT,
    "linear with positions in front": lambda x, _: positions_first(x, mapped),
    "a matrix for each position": lambda x, _: torch.einsum(
        "bpi,pio->bpo", x, parameter(*[x.shape[1]] * 3)
    ),
    "convolution": lambda x, _: F.conv1d(
        x, parameter(x.shape[1], x.shape[1] // 2, 3), parameter(x.shape[1]), padding=1, groups=2
    ),
    "layer norm": lambda x, _: F.layer_norm(x, x.shape[2:], *[parameter(x.shape[2])] * 2),
    "group norm": lambda x, _: F.group_norm(x, 2, parameter(x.shape[1]), parameter(x.shape[1])),
    "shift": lambda x, _: shifted(x, tuple(x.shape[1:])),
    "scale": lambda x, _: scaled(x, (x.shape[1], 1)),
    "tanh": lambda x, _: x.tanh(),
    "softmax": lambda x, _: x.softmax(-1),
    "softmax over positions": lambda x, _: positions_first(x, lambda y: y.softmax(0)),
    "cumsum": lambda x, _: x.cumsum(1),
    "flip": lambda x, _: x.flip(2, 1),
    "turn": lambda x, _: x.mT,
    "center": lambda x, _: x - x.mean((1, 2), keepdim=True),
    "sum": lambda x, y: x + y,
    "product": lambda x, y: x * y,
    "attention": attend,
    "concatenation": lambda x, y: F.linear(
        torch.cat([x, y], -1), parameter(x.shape[2], 2 * x.shape[2])
    ),
    "halves": lambda x, y: torch.cat([x[:, : x.shape[1] // 2], y.chunk(2, 1)[1]], 1),
    "stack": lambda x, y: torch.stack([x, y], 1).amax(1),
    "computed weight": lambda x, _: F.linear(
        x, parameter(1, x.shape[2]) * parameter(x.shape[2], 1)
    ),
}
UNSAFE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "swap": lambda x, _: x.transpose(0, 1).contiguous(),
    "permute": lambda x, _: x.permute(2, 0, 1).contiguous(),
    "examples backwards": lambda x, _: x.flip(0),
    "softmax over examples": lambda x, _: x.softmax(0),
    "center over examples": lambda x, _: x - x.mean(0),
    "cumsum over examples": lambda x, _: x.cumsum(0),
    "attention over examples": lambda x, _: positions_first(x, lambda y: attend(y, y)),
    "similarities": lambda x, y: (x.flatten(1) @ y.flatten(1).T).unsqueeze(1) + x,
    "gate of the batch": lambda x, y: x * y.mean((0, 1)).sigmoid(),
    "scale of axis 0": lambda x, _: scaled(x, (4, 1, 1)),
    "batch norm": lambda x, _: F.batch_norm(x, None, None, parameter(4), training=True),
    "batch norm of another axis": lambda x, _: positions_first(
        x, lambda y: F.batch_norm(y, None, None, training=True)
    ),
}


def grown(size: int, names: list[tuple[str, int]], depths: list[int]) -> Losses:
    """Losses on tensors at some depths of a graph of operations, each on the one before."""
    tensors = [mapped(torch.randn(4, size, size))]
    for name, other in names:
        operation = SAFE.get(name) or UNSAFE[name]
        tensors.append(operation(tensors[-1].contiguous(), tensors[other % len(tensors)]))
    read = [tensors[depth % len(tensors)].flatten(1) for depth in depths]
    return {
        f"{position}": (F.linear(features, parameter(1, size * size)) - 1).square().mean()
        for position, features in enumerate(read)
    }


OTHER = st.integers(0, 7)
DEPTHS = st.lists(st.integers(3, 9), min_size=2, max_size=4)
STEPS = st.tuples(st.sampled_from(list(SAFE)), OTHER)
ANY_STEPS = st.tuples(st.sampled_from([*SAFE, *UNSAFE]), OTHER)


@given(st.lists(STEPS, max_size=7), DEPTHS)
def test_random_graphs_that_act_on_each_example_alone(
    names: list[tuple[str, int]], depths: list[int]
) -> None:
    assert isinstance(assert_split(grown(6, names, depths), 4, 1e-7), PerExample)


@given(st.lists(ANY_STEPS, min_size=1, max_size=7), DEPTHS)
def test_random_graphs_are_exact_or_refused(
    names: list[tuple[str, int]], depths: list[int]
) -> None:
    """Every size is that of the batch, so that an axis may be taken for that of the examples.

    That is no harm where nothing acts along it.
    """
    assert_split(grown(4, names, depths), 4, 1e-7)


HEAD = st.lists(st.tuples(st.sampled_from(list(SAFE)), OTHER, OTHER), min_size=1, max_size=5)


@given(st.lists(STEPS, max_size=2), st.lists(HEAD, min_size=2, max_size=3))
def test_random_heads_that_read_any_level(
    names: list[tuple[str, int]], parts: list[list[tuple[str, int, int]]]
) -> None:
    """The tensors of a task's own follow in any order, and its loss reads several of them."""
    trunk = [mapped(torch.randn(4, 6, 6))]
    for name, other in names:
        trunk.append(SAFE[name](trunk[-1].contiguous(), trunk[other % len(trunk)]))
    losses = {}
    for task, steps in zip("abc", parts, strict=False):
        seen = list(trunk)
        for name, one, other in steps:
            x, y = seen[one % len(seen)], seen[other % len(seen)]
            seen.append(SAFE[name](x.contiguous(), y))
        own = seen[len(trunk) :]
        read = [own[-1], *own[: 1 + len(own) // 3]]
        losses[task] = torch.stack([(tensor - 1).square().mean() for tensor in read]).sum()
    assert isinstance(assert_split(losses, 4, 1e-7), PerExample)
