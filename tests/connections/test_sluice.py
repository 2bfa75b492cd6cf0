"""Sluice networks."""

import copy
from functools import partial
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.connections import CrossStitch, Sluice
from plait.core.errors import ConfigError, ShapeError
from plait.core.keys import safe_key, unit_key
from plait.sharing import Hard
from tests.connections.columns import KINDS, TASKS, assert_trains_as_alone, mlp, model_of, train


def drawn(unit: Sluice) -> Sluice:
    for parameter in unit.parameters():
        nn.init.normal_(parameter)
    return unit


@pytest.mark.parametrize("subspaces", [1, 2, 3])
def test_the_features_are_those_of_the_formula(subspaces: int) -> None:
    """One block matrix over all subspaces of all tasks, and the sum over the layers."""
    unit = Sluice(subspaces=subspaces)
    model = model_of(unit).double()
    drawn(unit)
    x = KINDS["mlp"].inputs(4).double()
    nets, values = model.sharing.networks(), dict.fromkeys(TASKS, x)
    layers: dict[str, list[Tensor]] = {task: [] for task in TASKS}
    for stage, block in ((1, slice(0, 2)), (3, slice(2, 4))):
        rows = torch.cat([nets[task][block](values[task]) for task in TASKS], dim=1)
        alpha = torch.cat([unit.alphas[unit_key(stage, task)] for task in TASKS])
        assert alpha.shape == (3 * subspaces, 3 * subspaces)
        blocks = rows.reshape(4, 3 * subspaces, 6 // subspaces)
        mixed = torch.einsum("ij,bjk->bik", alpha, blocks).reshape(4, 3, 6)
        values = {task: mixed[:, position] for position, task in enumerate(TASKS)}
        for task in TASKS:
            layers[task].append(values[task])
    for task, features in model(x).features.items():
        beta = unit.betas[safe_key(task)]
        torch.testing.assert_close(features.levels[1], layers[task][0])
        expected = beta[0] * layers[task][0] + beta[1] * layers[task][1]
        torch.testing.assert_close(features.levels[-1], expected)


@pytest.mark.parametrize("kind", ["conv", "tokens"])
def test_subspaces_are_blocks_of_the_channels(kind: str) -> None:
    """The identity with the two subspaces of one task exchanged."""
    unit = Sluice(init="identity", layer_mixing=False)
    model = model_of(unit, kind=kind)
    stage, shape = unit.stages[0], model.sharing.shapes["a"]
    with torch.no_grad():
        alpha = unit.alphas[unit_key(stage, "b.c")]
        alpha.copy_(alpha.flip(0))
    x = {task: torch.randn(2, *shape.levels[stage]) for task in TASKS}
    found = unit.mix(stage, x, TASKS)
    first, second = x["b.c"].chunk(2, dim=shape.channel_dim)
    assert torch.equal(found["b.c"], torch.cat([second, first], dim=shape.channel_dim))
    assert torch.equal(found["a"], x["a"])


def test_one_subspace_and_no_layers_is_a_cross_stitch() -> None:
    stitch = CrossStitch(per_channel=False, init=0.8)
    sluice = Sluice(subspaces=1, layer_mixing=False, init=0.8)
    one, two = model_of(stitch), model_of(sluice)
    assert [p.shape for p in sluice.parameters()] == [(1, 3)] * 6
    x = KINDS["mlp"].inputs(5)
    for task in TASKS:
        torch.testing.assert_close(one(x)[task], two(x)[task])


@pytest.mark.parametrize(
    ("init", "own", "rest", "last"),
    [
        (0.95, 0.95, 0.01, 0.9),
        ("balanced", 1 / 6, 1 / 6, 0.9),
        ("identity", 1.0, 0.0, 1.0),
    ],
)
def test_the_start(init: Any, own: float, rest: float, last: float) -> None:
    unit = Sluice(init=init)
    model_of(unit)
    alpha = torch.cat([unit.alphas[unit_key(3, task)] for task in TASKS])
    torch.testing.assert_close(alpha, torch.full((6, 6), rest) + (own - rest) * torch.eye(6))
    torch.testing.assert_close(unit.betas["task:a"], torch.tensor([1 - last, last]))


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_at_identity_the_networks_train_as_alone(optimizer: str) -> None:
    assert_trains_as_alone(partial(Sluice, init="identity"), "mlp", optimizer, frozen=True)
    make = partial(Sluice, init="identity", subspaces=4, layer_mixing=False)
    assert_trains_as_alone(make, "conv", optimizer, frozen=True)


def test_balanced_units_on_equal_subspaces_are_hard_sharing() -> None:
    """Clones whose channels are all the same."""
    encoder = mlp()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(parameter[:1].expand_as(parameter).clone())
    unit = Sluice(init="balanced", layer_mixing=False)
    model = model_of(unit, encoder=encoder, copies="clone")
    trunk = Hard(encoder)
    x = KINDS["mlp"].inputs(4)
    trunk.setup(TASKS, x)
    expected = trunk(x)["a"].levels[-1]
    for features in model(x).features.values():
        torch.testing.assert_close(features.levels[-1], expected)


# --- orthogonality ------------------------------------------------------------------------------


@pytest.mark.parametrize("subspaces", [2, 3])
@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_the_penalty_is_that_of_the_formula(kind: str, subspaces: int) -> None:
    unit = Sluice(subspaces=2, orthogonality=0.5, layer_mixing=False)
    if kind == "mlp":
        unit = Sluice(subspaces=subspaces, orthogonality=0.5)
    model = model_of(unit, kind=kind).double()
    expected = torch.zeros((), dtype=torch.float64)
    for net in model.sharing.networks().values():
        for parameter in net.parameters():
            if parameter.dim() > 1:
                blocks = parameter.flatten(1).chunk(unit.subspaces)
                for one, two in combinations(blocks, 2):
                    expected = expected + (one.T @ two).square().sum()
    penalty = model.penalty([])
    assert list(penalty) == ["Sluice[0]"]
    torch.testing.assert_close(penalty.raw["Sluice[0]"], expected)
    torch.testing.assert_close(penalty["Sluice[0]"], 0.5 * expected)


def test_the_penalty_is_of_chosen_weights_and_makes_subspaces_orthogonal() -> None:
    unit = Sluice(orthogonality=0.1, weights="2.*")
    model = model_of(unit)
    assert len(unit.matrices) == len(TASKS)
    before = model.penalty([]).raw["Sluice[0]"].item()
    train(model, KINDS["mlp"].inputs(6), steps=40)
    assert model.penalty([]).raw["Sluice[0]"].item() < 0.2 * before


def test_without_strength_or_subspaces_there_is_no_penalty() -> None:
    for options in ({}, {"orthogonality": 1.0, "subspaces": 1}):
        assert model_of(Sluice(**options)).penalty([]) == {}


def test_a_copied_model_penalises_its_own_weights() -> None:
    model = model_of(Sluice(orthogonality=1.0))
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(2.0)
    ratio = twin.penalty([])["Sluice[0]"] / model.penalty([])["Sluice[0]"]
    assert ratio.item() == pytest.approx(16.0)


# --- the rest -----------------------------------------------------------------------------------


def test_a_unit_is_reached_from_its_task_alone_after_the_last_stage() -> None:
    roles = model_of(Sluice()).roles()
    assert all(roles.values()), "a parameter that nothing reads"
    for task in TASKS:
        assert roles[f"connections.0.alphas.{unit_key(3, task)}"] == {task}
        assert roles[f"connections.0.alphas.{unit_key(1, task)}"] == set(TASKS)
        assert roles[f"connections.0.betas.{safe_key(task)}"] == {task}


def test_layers_before_the_last_stage_are_mixed_with_it() -> None:
    unit = Sluice(after=[1])
    model = model_of(unit)
    assert unit.layers == (1, 3)
    assert all(model.roles().values())
    only = Sluice(after=[3])
    model_of(only)
    assert not only.betas


def test_what_is_watched() -> None:
    unit = Sluice(edges=[["a", "b.c"]])
    model_of(unit)
    with torch.no_grad():
        unit.alphas[unit_key(1, "b.c")].copy_(torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8]]))
    found = unit.watched()
    assert list(found) == [
        "Sluice: alpha after stage 1",
        "Sluice: alpha after stage 3",
        "Sluice: beta",
    ]
    table = found["Sluice: alpha after stage 1"].plain()
    assert table == {"b.c": {"a": (1 + 2 + 5 + 6) / 2, "b.c": (3 + 4 + 7 + 8) / 2, "d%": 0.0}}
    beta = found["Sluice: beta"].plain()
    assert list(beta) == ["b.c"]
    assert beta["b.c"] == pytest.approx({"stage 1": 0.1, "stage 3": 0.9})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subspaces": 0}, "`subspaces` of Sluice must be at least 1; found 0"),
        ({"subspaces": 1.5}, r"`subspaces` of Sluice must be an integer; found 1"),
        ({"orthogonality": -1.0}, r"`orthogonality` must be at least 0; found -1\.0"),
        ({"init": "imbalanced"}, "`init` of Sluice must be"),
    ],
)
def test_options_outside_their_range_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Sluice(**options)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="divide the channels; stage 1 of task 'a' has 6, and"):
        model_of(Sluice(subspaces=4))
    message = r"task 'a' has \[4, 4, 4\] after stage 0 and \[4, 2, 2\] .*`layer_mixing: false`"
    with pytest.raises(ShapeError, match=message):
        model_of(Sluice(), kind="conv")
    odd = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 6))
    with pytest.raises(ShapeError, match=r"divide the rows of '0\.weight'; found \[5, 4\] and 2"):
        model_of(Sluice(after=[2], orthogonality=1.0), encoder=odd)
    model_of(Sluice(after=[2], orthogonality=1.0, weights="2.*"), encoder=odd)
    with pytest.raises(ConfigError, match=r"'3\.\*' of Sluice matches no matrix .*0\.weight"):
        model_of(Sluice(orthogonality=1.0, weights="3.*"))


def test_the_gradients_are_those_of_the_formula() -> None:
    unit = Sluice()
    model_of(unit, tasks="ab").double()
    drawn(unit)
    x = [torch.randn(2, 6, dtype=torch.float64, requires_grad=True) for _ in "ab"]
    rows = [unit.alphas[unit_key(3, task)] for task in "ab"]

    def mixed(one: Any, two: Any, *_: Any) -> Any:
        found = unit.mix(3, {"a": one, "b": two}, "ab")
        ends = unit.finish({task: [x[0]] * 3 + [value] for task, value in found.items()})
        return tuple(levels[-1] for levels in ends.values())

    assert torch.autograd.gradcheck(mixed, (*x, *rows, *unit.betas.values()))


def test_weights_without_an_effect_are_refused() -> None:
    with pytest.raises(ConfigError, match="`weights` has no effect without `orthogonality`"):
        Sluice(weights="stages.*")
