"""The ways that keep no rows at the parameters, against slow loops, and the choice between them."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import plait.balancing
from plait.balancing import MGDA, Balancer, GradNorm, GramianBalancer, Info, MoDo, UPGrad
from plait.core.errors import ConfigError, NonFiniteError
from plait.core.lookup import names
from plait.engine import Backward, backward
from plait.engine.options import reads_one_gramian
from plait.gradients import Cut, LayerPlan
from tests.engine.loops import (
    FAILING,
    count_passes,
    default_dtype,
    given,
    rows_of,
    weighted,
)
from tests.gradients.nets import NETS, Losses, heads, losses_of
from tests.gradients.slow import assert_close, gradients_of

# --- nets with a representation ---------------------------------------------------------------


class Net(nn.Module):
    """One representation, read by three heads."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 4))
        self.heads = heads(4, "abc")
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.unused = nn.Linear(4, 4)
        self.passes: list[int] = []

    def features(self, x: Tensor) -> list[Tensor]:
        hidden = self.trunk[:2](x)
        if hidden.requires_grad:
            count_passes(hidden, self.passes)
        return [self.trunk[2:](hidden)]

    def losses(self, features: list[Tensor]) -> Losses:
        return losses_of(torch.tanh(self.frozen(features[0])), self.heads)

    def upper(self) -> list[Tensor]:
        return list(self.heads.parameters())

    def lower(self) -> list[Tensor]:
        return list(self.trunk.parameters())


class Branches(Net):
    """Two representations, none of which depends on the other; c reads the first alone."""

    def __init__(self) -> None:
        super().__init__()
        self.second = nn.Linear(6, 4)

    def features(self, x: Tensor) -> list[Tensor]:
        hidden = count_passes(self.trunk[:2](x), self.passes)
        return [self.trunk[2:](hidden), self.second(hidden)]

    def losses(self, features: list[Tensor]) -> Losses:
        both = losses_of(features[0] * features[1].tanh(), self.heads)
        return {**both, "c": losses_of(features[0], self.heads)["c"]}

    def lower(self) -> list[Tensor]:
        return [*super().lower(), *self.second.parameters()]


class Levels(Net):
    """Three levels of one trunk; each head reads others of them, as dense heads do."""

    def __init__(self) -> None:
        super().__init__()
        self.top = nn.Linear(4, 4)

    def features(self, x: Tensor) -> list[Tensor]:
        first = count_passes(self.trunk[:2](x), self.passes)
        second = self.trunk[2:](first)
        return [first, second, self.top(second.tanh())]

    def losses(self, features: list[Tensor]) -> Losses:
        first, second, third = features
        scalar = losses_of(third, self.heads)
        dense = losses_of(third * second * first[:, :4], self.heads)
        return {"a": scalar["a"], "b": dense["b"], "c": losses_of(second + third, self.heads)["c"]}

    def lower(self) -> list[Tensor]:
        return [*super().lower(), *self.top.parameters()]


CASES: dict[str, tuple[type[Net], Callable[[Net, list[Tensor]], tuple[Any, list[Tensor]]]]] = {
    "tensor": (Net, lambda net, found: (found[0], found)),
    "list of one": (Net, lambda net, found: (found, found)),
    "list": (Branches, lambda net, found: (tuple(found), found)),
    "cut": (Net, lambda net, found: with_cut(found)),
    "cut of branches": (Branches, lambda net, found: with_cut(found)),
    "cut of levels": (Levels, lambda net, found: with_cut(found)),
}


def with_cut(found: list[Tensor]) -> tuple[Cut, list[Tensor]]:
    cut = Cut()
    return cut, [cut(tensor) for tensor in found]


def at_features(
    net: Net, x: Tensor, balancer: GramianBalancer, *, sum_scale: bool, by_task: bool
) -> tuple[np.ndarray, dict[int, Tensor]]:
    """MGDA-UB as in the paper: gradients at the representation, weights, then J_Z^T sum w Z."""
    found = net.features(x)
    leaves = [tensor.detach().requires_grad_() for tensor in found]
    losses = net.losses(leaves)
    rows = rows_of(losses, leaves)
    weights = balancer.weights(rows @ rows.T, Info(tuple(losses))) * (3 if sum_scale else 1)
    total = weighted(losses, net.upper(), weights if by_task else None)
    direction = (weights @ rows).split([leaf.numel() for leaf in leaves])
    pieces = [piece.view_as(leaf) for piece, leaf in zip(direction, leaves, strict=True)]
    trunk = torch.autograd.grad(found, net.lower(), pieces, allow_unused=True)
    for parameter, gradient in zip(net.lower(), trunk, strict=True):
        if gradient is not None:
            total[id(parameter)] = gradient
    return weights.numpy(), total


@pytest.mark.parametrize("with_model", [True, False])
@pytest.mark.parametrize(
    ("scale", "head_weights"), [("sum", "unit"), ("paper", "task"), ("sum", "task")]
)
@pytest.mark.parametrize("method", [MGDA, UPGrad])
@pytest.mark.parametrize("case", CASES)
def test_features_are_the_slow_upper_bound(
    case: str, method: type[GramianBalancer], scale: Any, head_weights: Any, with_model: bool
) -> None:
    kind, give = CASES[case]
    net, x = kind().double(), torch.randn(6, 5, dtype=torch.float64)
    options = {"sum_scale": scale == "sum", "by_task": head_weights == "task"}
    weights, expected = at_features(net, x, method(), **options)
    run = Backward(
        method(),
        net if with_model else None,
        at="features",
        scale=scale,
        head_weights=head_weights,
    )
    net.passes.clear()
    features, read = give(net, net.features(x))
    record = run(net.losses(read), features=features)
    assert len(net.passes) == 1  # through the trunk
    assert record.weights is not None
    np.testing.assert_allclose(record.weights, weights, rtol=1e-9, atol=1e-12)
    assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


def test_features_are_not_the_parameters() -> None:
    """The upper bound is another problem, so the test above could fail."""
    net, x = Net(), torch.randn(6, 5)
    rows = rows_of(net.losses(net.features(x)), net.lower())
    exact = MGDA().weights(rows @ rows.T).numpy()
    bound, _ = at_features(net, x, MGDA(), sum_scale=False, by_task=False)
    assert abs(exact - bound).max() > 1e-3


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("with_model", [True, False])
def test_weights_at_features_are_reused_through_the_trunk_as_well(
    with_model: bool, cut: bool
) -> None:
    net = Net().double()
    run = Backward(MGDA(), net if with_model else None, at="features", every=2)
    first: np.ndarray | None = None
    for step in range(4):
        x = torch.randn(6, 5, dtype=torch.float64)
        weights, _ = at_features(net, x, MGDA(), sum_scale=True, by_task=False)
        first = weights if step % 2 == 0 else first
        losses = net.losses(net.features(x))
        assert first is not None
        expected = weighted(losses, net.lower(), first) | weighted(losses, net.upper())
        net.zero_grad()
        features, read = CASES["cut" if cut else "tensor"][1](net, net.features(x))
        record = run(net.losses(read), features=features)
        assert record.reused == (step % 2 == 1)
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


def test_a_parameter_may_be_the_feature_itself() -> None:
    prompt, two = nn.Parameter(torch.randn(4)), heads(4)
    losses = losses_of(prompt[None], two)
    rows = rows_of(losses, [prompt])
    weights = 2 * UPGrad().weights(rows @ rows.T)
    expected = weighted(losses, list(two.parameters())) | weighted(losses, [prompt], weights)
    backward(losses, UPGrad(), at="features", features=prompt)
    assert_close(gradients_of([prompt, *two.parameters()]), expected)


# --- what features cannot be ------------------------------------------------------------------


def around(net: Net, x: Tensor) -> tuple[Losses, Any]:
    """Two heads have a layer in common."""
    (found,) = net.features(x)
    return net.losses([found + net.unused(found)]), found


def below_and_around(net: Net, x: Tensor) -> tuple[Losses, Any]:
    """One head uses a matrix of the trunk once more."""
    (found,) = net.features(x)
    losses = net.losses([found])
    return {**losses, "b": losses["b"] + net.trunk[2].weight.square().sum()}, found


def cut_and_around(net: Net, x: Tensor) -> tuple[Losses, Any]:
    """One head reads the trunk past the cut."""
    cut, (found,) = Cut(), net.features(x)
    losses = net.losses([cut(found)])
    return {**losses, "b": losses["b"] + found.square().mean()}, cut


def another_output(net: Net, x: Tensor) -> tuple[Losses, Any]:
    """A head reads the second output of the node that the feature is the first output of."""
    found, other = net.features(x)[0].split(2, dim=1)
    losses = net.losses([torch.cat([found, found], dim=1)])
    return {**losses, "b": losses["b"] + other.square().mean()}, found


def no_common(net: Net, x: Tensor) -> tuple[Losses, Any]:
    one, two = (net.features(x)[0] * factor for factor in (1.0, 2.0))
    return {"a": net.losses([one])["a"], "b": net.losses([two])["b"]}, [one, two]


def not_read(net: Net, x: Tensor) -> tuple[Losses, Any]:
    (found,) = net.features(x)
    return net.losses([found.detach()]), found


def empty(net: Net, x: Tensor) -> tuple[Losses, Any]:
    return net.losses([net.features(x)[0].detach()]), Cut()


def dependent(net: Net, x: Tensor) -> tuple[Losses, Any]:
    (found,) = net.features(x)
    return net.losses([found * 2 + found]), [found * 2 + found, found]


def twice(net: Net, x: Tensor) -> tuple[Losses, Any]:
    (found,) = net.features(x)
    return net.losses([found]), [found, found]


def none_given(net: Net, x: Tensor) -> tuple[Losses, Any]:
    return net.losses(net.features(x)), None


@pytest.mark.parametrize("with_model", [True, False])
@pytest.mark.parametrize(
    ("build", "message"),
    [
        (around, r"a parameter \[4(, 4)?\] .* is reached around the features, by a, b, c"),
        (below_and_around, r"a parameter \[4, 6\] .* is reached around the features, by b"),
        (cut_and_around, "is reached around the features, by b"),
        (another_output, "is reached around the features, by b"),
        (no_common, "tasks a, b read no feature in common"),
        (not_read, "tasks a, b, c read no feature in common"),
        (empty, "tasks a, b, c read no feature in common"),
        (dependent, "one of the features depends on another"),
        (twice, "one of the features depends on another"),
        (none_given, "at='features' needs the tensor that the heads read"),
    ],
)
def test_features_that_do_not_tell_the_whole_conflict_are_refused(
    build: Callable[..., Any], message: str, with_model: bool
) -> None:
    net = Net()
    losses, features = build(net, torch.randn(6, 5))
    run = Backward(UPGrad(), net if with_model else None, at="features")
    with pytest.raises(ConfigError, match=message):
        run(losses, features=features)
    assert not gradients_of(net.parameters())


def test_features_need_the_whole_batch() -> None:
    net = Net()
    found = net.features(torch.randn(6, 5))
    run = Backward(UPGrad(), net, at="features")
    run.start()
    with pytest.raises(ConfigError, match="at='features' needs the whole step in one batch"):
        run.add(net.losses(found), dict.fromkeys("abc", 0.5), features=found)


def test_features_that_nobody_asked_for_are_refused() -> None:
    """A `Cut` would leave the trunk without any gradient."""
    net = Net()
    cut, read = with_cut(net.features(torch.randn(6, 5)))
    with pytest.raises(ConfigError, match="`features` are read with at='features' alone"):
        Backward(UPGrad(), net)(net.losses(read), features=cut)


# --- last layer -------------------------------------------------------------------------------


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize("with_model", [True, False])
def test_the_gramian_is_that_of_the_last_shared_weight(with_model: bool, head_weights: Any) -> None:
    net, x = Net().double(), torch.randn(6, 5, dtype=torch.float64)
    losses = net.losses(net.features(x))
    rows = rows_of(losses, [net.trunk[2].weight])
    weights = [0.5, 2.0, 3.0]
    heads_get = weights if head_weights == "task" else None
    expected = weighted(losses, net.lower(), weights) | weighted(losses, net.upper(), heads_get)
    method = given(lambda gramian: weights, GramianBalancer, at="last layer")
    net.passes.clear()
    run = Backward(method, net if with_model else None, head_weights=head_weights)
    record = run(net.losses(net.features(x)))
    ((tasks, gramian),) = method.seen
    assert tasks == ("a", "b", "c")
    np.testing.assert_allclose(gramian, (rows @ rows.T).numpy(), rtol=1e-12)
    assert record.norms is not None
    np.testing.assert_allclose(record.norms, rows.norm(dim=1).numpy(), rtol=1e-12)
    assert len(net.passes) == 1
    assert_close(gradients_of(net.parameters()), expected, tolerance=1e-12)


def test_gradnorm_is_its_slow_loop_for_several_steps() -> None:
    """|g_i| at the last shared layer by hand; the formula of the weights is tested elsewhere."""
    net = Net().double()
    slow, run = GradNorm(lr=0.2), Backward(GradNorm(lr=0.2), net)
    for _ in range(4):
        x = torch.randn(6, 5, dtype=torch.float64)
        losses = net.losses(net.features(x))
        rows = rows_of(losses, [net.trunk[2].weight])
        values = torch.stack([loss.detach() for loss in losses.values()])
        weights = slow.weights(rows @ rows.T, Info(tuple(losses), losses=values))
        expected = weighted(losses, net.lower(), weights) | weighted(losses, net.upper())
        net.zero_grad()
        record = run(losses)
        assert record.weights == pytest.approx(weights.tolist(), rel=1e-9)
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)
    assert abs(weights - 1).max() > 0.1


@pytest.mark.parametrize("micro", [False, True])
def test_micro_batches_have_the_same_last_layer(micro: bool) -> None:
    """The Gramian of the joined batch at that layer, from rows over the micro-batches."""
    net, x = Net().double(), torch.randn(6, 5, dtype=torch.float64)
    losses = net.losses(net.features(x))
    rows = rows_of(losses, [net.trunk[2].weight])
    method = given(lambda gramian: [1.0, 2.0, 3.0], GramianBalancer, at="last layer")
    run = Backward(method, net)
    run.start()
    if micro:
        for part in (slice(0, 2), slice(2, 6)):
            share = dict.fromkeys("abc", len(range(6)[part]) / 6)
            run.add(net.losses(net.features(x[part])), share)
    else:
        run.add(losses)
    run.finish()
    ((_, gramian),) = method.seen
    np.testing.assert_allclose(gramian, (rows @ rows.T).numpy(), rtol=1e-9)


def test_the_last_layer_may_be_an_embedding_with_sparse_gradients() -> None:
    table, two = nn.Embedding(9, 4, sparse=True), heads(4)
    losses = losses_of(table(torch.tensor([[1, 2, 2], [8, 0, 1]])).mean(dim=1), two)
    rows = rows_of(losses, [table.weight])
    method = given(lambda gramian: [2.0, 3.0], GramianBalancer, at="last layer")
    expected = weighted(losses, [table.weight], [2.0, 3.0]) | weighted(losses, [*two.parameters()])
    backward(losses, method)
    np.testing.assert_allclose(method.seen[0][1], (rows @ rows.T).numpy(), rtol=1e-5)
    assert_close(gradients_of([table.weight, *two.parameters()]), expected)


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize("build", ["nothing_shared", "one_task"])
def test_where_nothing_is_shared_heads_get_their_gradient(build: str, head_weights: Any) -> None:
    parameters, make_losses = NETS[build]()
    losses = make_losses()
    expected = weighted(losses, parameters)
    record = backward(losses, GradNorm(), head_weights=head_weights)
    assert record.weights is not None
    assert record.weights.tolist() == [1.0] * len(losses)
    assert_close(gradients_of(parameters), expected)


# --- routes -----------------------------------------------------------------------------------

WHOLE = [
    name
    for name in names(plait.balancing, Balancer)
    if reads_one_gramian(getattr(plait.balancing, name)())
]


def on_route(build: str, name: str, route: Any, **options: Any) -> tuple[Any, list[Tensor | None]]:
    torch.manual_seed(0)
    parameters, make_losses = NETS[build]()
    balancer = getattr(plait.balancing, name)()
    record = Backward(balancer, route=route, **options)(make_losses())
    return record, [None if p.grad is None else p.grad.to_dense() for p in parameters]


def assert_same(found: Any, expected: Any, tolerance: float) -> None:
    np.testing.assert_allclose(found[0].norms, expected[0].norms, rtol=tolerance, atol=1e-12)
    np.testing.assert_allclose(found[0].cosines, expected[0].cosines, atol=tolerance)
    np.testing.assert_allclose(found[0].weights, expected[0].weights, rtol=10 * tolerance)
    for one, two in zip(found[1], expected[1], strict=True):
        assert (one is None) == (two is None)
        if one is not None:
            torch.testing.assert_close(one, two, rtol=10 * tolerance, atol=10 * tolerance)


def test_there_are_methods_of_one_gramian() -> None:
    assert {"UPGrad", "MGDA", "PCGrad", "CAGrad", "NashMTL"} <= set(WHOLE)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("build", ["one_trunk", "parameters_of_a_part_of_the_tasks", "lstm"])
def test_layers_give_each_method_what_rows_give_it(build: str, name: str) -> None:
    with default_dtype(torch.float64):
        expected = on_route(build, name, "rows")
        assert_same(on_route(build, name, "layers"), expected, 1e-8)


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize("route", ["layers", "auto"])
@pytest.mark.parametrize("build", NETS)
def test_every_net_has_the_same_gradient_on_every_route(
    build: str, route: Any, head_weights: Any
) -> None:
    with default_dtype(torch.float64):
        expected = on_route(build, "UPGrad", "rows", head_weights=head_weights)
        found = on_route(build, "UPGrad", route, head_weights=head_weights)
    # Where a loss is bfloat16, autograd wants its weight in that precision
    assert_same(found, expected, 1e-3 if build == "autocast" else 1e-8)


@pytest.mark.parametrize("cheaper", [True, False])
@pytest.mark.parametrize(("route", "taken"), [("auto", None), ("layers", True), ("rows", False)])
def test_the_route_is_taken_by_what_is_cheaper(
    monkeypatch: pytest.MonkeyPatch, cheaper: bool, route: Any, taken: bool | None
) -> None:
    ran: list[LayerPlan] = []
    run = LayerPlan.run

    def watched(self: LayerPlan, *given: Any) -> Any:
        ran.append(self)
        return run(self, *given)

    monkeypatch.setattr(LayerPlan, "run", watched)
    monkeypatch.setattr(LayerPlan, "is_cheaper", property(lambda self: cheaper))
    on_route("one_trunk", "UPGrad", route)
    assert len(ran) == (cheaper if taken is None else taken)


def test_each_route_is_the_cheaper_one_somewhere() -> None:
    """A wide layer with few examples, and a small one with many."""

    def plan(width: int, examples: int) -> LayerPlan:
        trunk, two = nn.Linear(width, width), heads(width)
        losses = losses_of(trunk(torch.randn(examples, width)), two)
        return LayerPlan.of(losses, list(trunk.parameters()), list(two.parameters()))

    assert plan(200, 2).is_cheaper
    assert not plan(3, 500).is_cheaper


def test_convolutions_of_few_pixels_have_the_same_gradient_by_layers() -> None:
    def losses(trunk: nn.Module, two: nn.ModuleDict, x: Tensor) -> Losses:
        return losses_of(F.relu(trunk(x)), two)

    trunk, two = nn.Conv2d(8, 6, 3).double(), heads(6).double()
    x = torch.randn(2, 8, 3, 3, dtype=torch.float64)
    found = []
    for route in ("rows", "layers"):
        twins = copy.deepcopy((trunk, two))
        record = backward(losses(*twins, x), UPGrad(), route=route)
        found.append((record, [p.grad for module in twins for p in module.parameters()]))
    assert_same(found[1], found[0], 1e-9)


# --- errors -----------------------------------------------------------------------------------


def call(net: Net, kind: str, balancer: Balancer, options: dict[str, Any], broken: bool) -> None:
    """One step in one of the ways; `broken` has a finite loss of which the gradient is not."""

    def make() -> tuple[Losses, list[Tensor]]:
        found = net.features(torch.randn(6, 5))
        losses = net.losses(found)
        if broken:
            here = found[0] - found[0].detach()
            losses["b"] = losses["b"] + here.square().sum().sqrt()
        return losses, found

    penalty = net.trunk[0].weight.square().sum()
    if balancer.batches > 1:
        Backward(balancer, net, **options)([make()[0] for _ in range(balancer.batches)], penalty)
    else:
        losses, found = make()
        features = found if kind == "features" else None
        Backward(balancer, net, **options)(losses, penalty, features=features)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("broken", [True, False])
@pytest.mark.parametrize("kind", FAILING)
def test_an_error_leaves_every_gradient_as_it_was_in_every_way(
    kind: str, broken: bool, before: bool
) -> None:
    make, options = FAILING[kind]
    net, balancer = Net(), make()
    if before:
        for parameter in net.parameters():
            parameter.grad = torch.randn_like(parameter)
    expected = gradients_of(net.parameters())
    error = NonFiniteError if broken else ArithmeticError
    # Differentiated at once, the tasks share what is not a number, so all of them are named
    with pytest.raises(error, match="'b'" if broken else "no solution"):
        call(net, kind, balancer, options, broken)
    found = gradients_of(net.parameters())
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in found)


@pytest.mark.parametrize("kind", FAILING)
def test_the_same_calls_without_the_error_write(kind: str) -> None:
    make, options = FAILING[kind]
    like = make()
    base = MoDo if like.batches > 1 else UPGrad
    net = Net()
    if kind == "three batches":
        working: Balancer = MoDo(batches=3)
    else:
        working = base()
        working.at = like.at
        if isinstance(working, GramianBalancer) and isinstance(like, GramianBalancer):
            working.groups = like.groups
    call(net, kind, working, options, False)
    assert len(gradients_of(net.parameters())) == len([*net.lower(), *net.upper()])
