"""Cross-stitch units."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from plait.connections import CrossStitch
from plait.core.errors import ConfigError
from plait.core.keys import unit_key
from plait.sharing import Hard, Separate
from tests.connections.columns import (
    KINDS,
    TASKS,
    assert_trains_as_alone,
    model_of,
    train,
)


def loop(stitch: CrossStitch, stage: int, x: dict[str, torch.Tensor], axis: int) -> Any:
    """sum_s A_ts x_s, one number after the other."""
    found = {}
    for task in x:
        row = stitch.coefficients(stage, task)
        total = torch.zeros_like(x[task])
        for weight, source in zip(row, stitch.sources(task), strict=True):
            for channel in range(x[task].shape[axis]):
                one = weight[channel] if weight.dim() else weight
                total.select(axis, channel).add_(one * x[source].select(axis, channel))
        found[task] = total
    return found


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_mixture_is_the_sum_of_the_formula(kind: str, per_channel: bool, softmax: bool) -> None:
    stitch = CrossStitch(per_channel=per_channel, softmax=softmax)
    model = model_of(stitch, kind=kind).double()
    stage = stitch.stages[-1]
    for row in stitch.units.values():
        nn.init.normal_(row)
    shape = model.sharing.shapes["a"]
    x = {task: torch.randn(3, *shape.levels[stage]).double() for task in TASKS}
    expected = loop(stitch, stage, x, shape.channel_dim)
    found = stitch.mix(stage, x, TASKS)
    for task in TASKS:
        torch.testing.assert_close(found[task], expected[task])


def test_the_units_follow_the_blocks_and_the_last_stage() -> None:
    stitch = CrossStitch()
    model = model_of(stitch)
    assert stitch.stages == (1, 3)
    assert len(stitch.units) == 2 * len(TASKS)
    inputs = KINDS["mlp"].inputs(4)
    x = dict.fromkeys(TASKS, inputs)
    nets = model.sharing.networks()
    for block in (slice(0, 2), slice(2, 4)):
        x = {task: nets[task][block](x[task]) for task in TASKS}
        x = {task: sum((0.9 if s == task else 0.05) * x[s] for s in TASKS) for task in TASKS}
    for task, features in model(inputs).features.items():
        torch.testing.assert_close(features.levels[-1], x[task])


def test_the_number_of_coefficients() -> None:
    """T^2 C for each unit, or T^2."""
    for per_channel, each in ((True, 6), (False, 1)):
        stitch = CrossStitch(per_channel=per_channel)
        model_of(stitch)
        assert sum(p.numel() for p in stitch.parameters()) == 2 * len(TASKS) ** 2 * each


@pytest.mark.parametrize(
    ("init", "own", "other"),
    [
        (0.9, 0.9, 0.05),
        ("balanced", 1 / 3, 1 / 3),
        ("identity", 1.0, 0.0),
        (1, 1.0, 0.0),
        (0.5, 0.5, 0.25),
    ],
)
def test_the_start(init: Any, own: float, other: float) -> None:
    stitch = CrossStitch(init=init)
    model_of(stitch)
    for position, task in enumerate(TASKS):
        row = stitch.coefficients(3, task)
        expected = torch.full((3, 6), other)
        expected[position] = own
        torch.testing.assert_close(row, expected)


def test_a_softmax_keeps_the_start_and_the_simplex() -> None:
    stitch = CrossStitch(softmax=True, init=0.8)
    model = model_of(stitch)
    expected = torch.tensor([0.1, 0.8, 0.1])[:, None].expand(3, 6)
    torch.testing.assert_close(stitch.coefficients(1, "b.c"), expected)
    train(model, KINDS["mlp"].inputs(6))
    row = stitch.coefficients(1, "b.c")
    assert not torch.allclose(row, expected)
    torch.testing.assert_close(row.sum(dim=0), torch.ones(6))
    assert (row > 0).all()


@pytest.mark.parametrize(
    ("kind", "optimizer", "per_channel"),
    [("mlp", "SGD", True), ("conv", "SGD", False), ("conv", "Adam", True)],
)
def test_at_identity_the_networks_train_as_alone(
    kind: str, optimizer: str, per_channel: bool
) -> None:
    make = partial(CrossStitch, init="identity", per_channel=per_channel)
    assert_trains_as_alone(make, kind, optimizer, frozen=True)


def test_balanced_units_on_clones_are_hard_sharing() -> None:
    inputs = KINDS["conv"].inputs(4)
    encoder = KINDS["conv"].build()
    model = model_of(CrossStitch(init="balanced"), encoder=encoder, example=inputs, copies="clone")
    trunk = Hard(encoder)
    trunk.setup(TASKS, inputs)
    for training in (True, False):
        expected = trunk.train(training)(inputs)
        found = model.train(training)(inputs).features
        for task in TASKS:
            for one, two in zip(found[task].levels, expected[task].levels, strict=True):
                torch.testing.assert_close(one, two)


def test_the_units_learn_what_another_task_knows() -> None:
    """Task b is what the network of a computes, and its own network is held."""
    torch.manual_seed(0)
    stitch = CrossStitch(per_channel=False, after=[3])
    model = model_of(stitch, tasks="ab")
    model.requires_grad_(False)
    stitch.requires_grad_(True)
    x = KINDS["mlp"].inputs(64)
    with torch.no_grad():
        target = model.heads["task:b"](model.sharing(x)["a"])[:, 0]
    row = stitch.units[unit_key(3, "b")]
    optimizer = torch.optim.Adam([row], lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        (model(x, tasks=["b"])["b"][:, 0] - target).square().mean().backward()
        optimizer.step()
    torch.testing.assert_close(row.detach(), torch.tensor([1.0, 0.0]), rtol=0, atol=0.01)


def test_a_row_is_reached_from_its_task_alone_after_the_last_stage() -> None:
    model = model_of(CrossStitch())
    roles = model.roles()
    assert all(roles.values()), "a parameter that nothing reads"
    for task in TASKS:
        assert roles[f"connections.0.units.{unit_key(3, task)}"] == {task}
        assert roles[f"connections.0.units.{unit_key(1, task)}"] == set(TASKS)


def test_what_is_watched() -> None:
    stitch = CrossStitch(edges=[["a", "b.c"], ["d%", "b.c"]])
    model_of(stitch)
    with torch.no_grad():
        stitch.units[unit_key(1, "b.c")][0] = torch.arange(6.0)
    found = stitch.watched()
    assert list(found) == ["CrossStitch: after stage 1", "CrossStitch: after stage 3"]
    table = found["CrossStitch: after stage 1"].plain()
    assert list(table) == ["b.c"]
    assert table["b.c"] == pytest.approx({"a": 2.5, "b.c": 0.9, "d%": 0.05})
    assert not found["CrossStitch: after stage 1"].shares
    soft = CrossStitch(softmax=True, per_channel=False)
    model_of(soft)
    watched = soft.watched()["CrossStitch: after stage 3"]
    assert watched.shares
    assert watched.plain()["a"] == pytest.approx({"a": 0.9, "b.c": 0.05, "d%": 0.05})


def test_the_learning_rate_and_the_decay_of_its_units_are_its_own() -> None:
    assert CrossStitch().lr_scale == 1.0
    assert CrossStitch(lr_scale=7.0).lr_scale == 7.0
    assert CrossStitch.decays is False


@pytest.mark.parametrize("init", ["uniform", -0.1, 1.5, True, None, float("nan")])
def test_an_unknown_start_is_refused(init: Any) -> None:
    with pytest.raises(ConfigError, match=r"`init` of CrossStitch must be .*'balanced'"):
        CrossStitch(init=init)


@pytest.mark.parametrize("init", ["identity", 0, 1.0])
def test_a_softmax_has_no_zero(init: Any) -> None:
    with pytest.raises(ConfigError, match="a softmax is never 0 or 1"):
        CrossStitch(init=init, softmax=True)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradients_are_those_of_the_formula(kind: str) -> None:
    stitch = CrossStitch(softmax=kind == "conv")
    model = model_of(stitch, tasks="ab", kind=kind).double()
    assert isinstance(model.sharing, Separate)
    stage = stitch.stages[-1]
    shape = model.sharing.shapes["a"].levels[stage]
    x = [torch.randn(2, *shape, dtype=torch.float64, requires_grad=True) for _ in "ab"]
    rows = [stitch.units[unit_key(stage, task)] for task in "ab"]

    def mixed(one: Any, two: Any, *_: Any) -> Any:
        return tuple(stitch.mix(stage, {"a": one, "b": two}, "ab").values())

    assert torch.autograd.gradcheck(mixed, (*x, *rows))
