"""Gradients at the features, against the slow upper bound."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plait.balancing import MGDA, GramianBalancer, Info, UPGrad
from plait.core.errors import ConfigError
from plait.engine import Backward, backward
from plait.gradients import Cut
from tests.engine.loops import (
    count_passes,
    rows_of,
    weighted,
)
from tests.engine.routes.nets import Net
from tests.gradients.nets import Losses, heads, losses_of
from tests.gradients.slow import assert_close, gradients_of


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
