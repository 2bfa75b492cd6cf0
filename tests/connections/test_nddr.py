"""Discriminative fusion of the tasks' features."""

from typing import Any

import pytest
import torch
from torch import nn

from plait.connections import NDDR
from plait.connections.nddr import Fusion
from plait.core.errors import ConfigError
from plait.core.keys import unit_key
from tests.connections.columns import KINDS, TASKS, model_of, train


def units(nddr: NDDR) -> list[Fusion]:
    return [unit for unit in nddr.units.values() if isinstance(unit, Fusion)]


def neutral(nddr: NDDR) -> None:
    """Makes each normalisation the identity in evaluation."""
    for unit in units(nddr):
        unit.norm.eps = 0.0
        assert unit.norm.running_mean.eq(0).all() and unit.norm.running_var.eq(1).all()


@pytest.mark.parametrize(
    ("kind", "encoder"), [("mlp", nn.Linear(4, 6)), ("conv", nn.Conv2d(2, 4, 3))]
)
def test_with_own_one_and_neutral_statistics_it_is_the_relu_of_a_task_alone(
    kind: str, encoder: nn.Module
) -> None:
    nddr = NDDR(own=1.0, other=0.0)
    model = model_of(nddr, encoder=encoder, example=KINDS[kind].inputs(1)).eval()
    neutral(nddr)
    x = KINDS[kind].inputs(4)
    found = model(x).features
    for task in TASKS:
        alone = model.sharing.networks()[task](x)
        assert (alone < 0).any()
        assert torch.equal(found[task].levels[-1], alone.relu())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_fusion_is_that_of_the_formula(kind: str, training: bool) -> None:
    """The rows of W meet the channels of all tasks in their order."""
    nddr = NDDR()
    model = model_of(nddr, kind=kind).double().train(training)
    stage, shape = nddr.stages[-1], model.sharing.shapes["a"]
    for unit in units(nddr):
        nn.init.normal_(unit.map.linear.weight)
    x = {task: torch.randn(4, *shape.levels[stage]).double() for task in TASKS}
    found = nddr.mix(stage, x, TASKS)
    for task in TASKS:
        unit = nddr.units[unit_key(stage, task)]
        rows = torch.cat([x[s].movedim(shape.channel_dim, -1) for s in TASKS], dim=-1)
        mapped = rows @ unit.map.linear.weight.T
        if kind == "tokens":
            mean = mapped.mean(dim=-1, keepdim=True)
            variance = mapped.var(dim=-1, correction=0, keepdim=True)
        elif training:
            flat = mapped.flatten(0, -2)
            mean, variance = flat.mean(dim=0), flat.var(dim=0, correction=0)
            torch.testing.assert_close(unit.norm.running_mean, 0.05 * mean)
        else:
            mean, variance = torch.zeros(()), torch.ones(())
        expected = ((mapped - mean) / (variance + 1e-5).sqrt()).relu()
        torch.testing.assert_close(found[task].movedim(shape.channel_dim, -1), expected)


def test_the_start_is_that_of_the_paper() -> None:
    two, three = NDDR(), NDDR(own=0.7)
    model_of(two, tasks="ab")
    model_of(three)
    one = torch.eye(6)
    weight = two.units[unit_key(1, "b")].map.linear.weight
    torch.testing.assert_close(weight, torch.cat([0.1 * one, 0.9 * one], dim=1))
    weight = three.units[unit_key(3, "b.c")].map.linear.weight
    torch.testing.assert_close(weight, torch.cat([0.15 * one, 0.7 * one, 0.15 * one], dim=1))
    given = NDDR(other=0.1)
    model_of(given)
    weight = given.units[unit_key(3, "a")].map.linear.weight
    torch.testing.assert_close(weight, torch.cat([0.9 * one, 0.1 * one, 0.1 * one], dim=1))


def test_the_number_of_parameters() -> None:
    """T^2 C^2 for W and 2 T C for the normalisation, after each of two blocks."""
    nddr = NDDR()
    model_of(nddr)
    assert sum(p.numel() for p in nddr.parameters()) == 2 * (9 * 36 + 2 * 3 * 6)


def test_one_vector_is_normalised_by_the_running_statistics() -> None:
    nddr = NDDR()
    model = model_of(nddr)
    train(model, KINDS["mlp"].inputs(6), steps=2)
    x = KINDS["mlp"].inputs(1)
    before = {key: value.clone() for key, value in nddr.state_dict().items()}
    training = model(x)
    assert all(torch.equal(value, before[key]) for key, value in nddr.state_dict().items())
    sum(y.sum() for y in training.values()).backward()
    assert all(p.grad.isfinite().all() for p in nddr.parameters())
    evaluation = model.eval()(x)
    for task in TASKS:
        torch.testing.assert_close(training[task], evaluation[task])


def test_maps_of_one_example_have_statistics() -> None:
    nddr = NDDR()
    model = model_of(nddr, kind="conv")
    model(KINDS["conv"].inputs(1))
    assert all(unit.norm.running_mean.any() for unit in units(nddr))


def test_the_normalisation_is_that_of_the_features() -> None:
    for kind, expected in {
        "mlp": nn.BatchNorm1d,
        "conv": nn.BatchNorm2d,
        "tokens": nn.LayerNorm,
    }.items():
        nddr = NDDR()
        model_of(nddr, kind=kind)
        assert all(type(unit.norm) is expected for unit in units(nddr))
    volume = NDDR()
    model_of(volume, encoder=nn.Conv3d(1, 2, 1), example=torch.zeros(2, 1, 3, 3, 3))
    assert all(type(unit.norm) is nn.BatchNorm3d for unit in units(volume))
    signal = NDDR()
    model = model_of(signal, encoder=nn.Conv1d(1, 2, 1), example=torch.zeros(2, 1, 5))
    assert model(torch.randn(2, 1, 5)).features["a"].levels[-1].shape == (2, 2, 5)


def test_every_unit_is_read() -> None:
    roles = model_of(NDDR(), kind="conv").roles()
    assert all(roles.values())
    for task in TASKS:
        last = f"connections.0.units.{unit_key(1, task)}.map.linear.weight"
        assert roles[last] == {task}


def test_what_is_watched() -> None:
    nddr = NDDR(edges=[["a", "b.c"]])
    model_of(nddr)
    found = nddr.watched()
    assert list(found) == ["NDDR: after stage 1", "NDDR: after stage 3"]
    table = found["NDDR: after stage 3"].plain()
    assert list(table) == ["b.c"]
    assert table["b.c"] == pytest.approx({"a": 0.1, "b.c": 0.9, "d%": 0.0})


def test_the_learning_rate_of_its_units_is_its_own_and_they_decay() -> None:
    assert NDDR().lr_scale == 1.0
    assert getattr(NDDR, "decays", True)


@pytest.mark.parametrize("option", ["own", "other"])
def test_a_start_is_finite(option: str) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` of NDDR must be finite; found inf"):
        NDDR(**{option: float("inf")})


@pytest.mark.parametrize("kind", ["mlp", "conv", "tokens"])
def test_the_gradients_are_those_of_the_formula(kind: str) -> None:
    nddr = NDDR()
    model = model_of(nddr, tasks="ab", kind=kind).double()
    stage = nddr.stages[-1]
    shape = model.sharing.shapes["a"].levels[stage]
    x = [torch.randn(3, *shape, dtype=torch.float64, requires_grad=True) for _ in "ab"]
    weights = list(nddr.units[unit_key(stage, "a")].parameters())

    def mixed(one: Any, two: Any, *_: Any) -> Any:
        return nddr.mix(stage, {"a": one, "b": two}, ["a"])["a"]

    assert torch.autograd.gradcheck(mixed, (*x, *weights))
