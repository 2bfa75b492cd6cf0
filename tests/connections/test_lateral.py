"""Lateral connections."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from plait.connections import Lateral, Progressive
from plait.connections.bases.lateral_base import Laterals
from plait.core import PerTask
from plait.core.errors import ConfigError, ShapeError
from plait.core.keys import safe_key, unit_key
from plait.encoders import as_staged
from tests.connections.columns import (
    KINDS,
    TASKS,
    assert_trains_as_alone,
    counted,
    mlp,
    model_of,
    own_state,
    train,
    upstream,
)

every = pytest.mark.parametrize("method", [Lateral, Progressive, partial(Progressive, adapter=3)])


def drawn(unit: Laterals) -> None:
    """Gives the maps other weights than 0."""
    for parameter in unit.parameters():
        nn.init.normal_(parameter)


def test_the_chain_by_hand() -> None:
    """z_t^l = W h_t^(l-1) + b + alpha U h_s^(l-1), and the same without W before the head."""
    lateral = Lateral(alpha=[0.5, 2.0])
    model = model_of(lateral).double()
    drawn(lateral)
    x = KINDS["mlp"].inputs(4).double()
    nets, previous = model.sharing.networks(), None
    found = model(x)
    for task in TASKS:
        first = nets[task][0](x).tanh()
        body, alpha = nets[task][2](first), {"b.c": 0.5, "d%": 2.0}.get(task, 0.0)
        maps = [lateral.units[unit_key(place, task)].maps for place in (2, 4) if previous]
        if previous is not None:
            source, low, high = previous
            body = body + alpha * low @ maps[0][safe_key(source)].linear.weight.T
        last = body.relu()
        read = last
        if previous is not None:
            read = last + alpha * high @ maps[1][safe_key(source)].linear.weight.T
        torch.testing.assert_close(found.features[task].levels[-1], read)
        torch.testing.assert_close(found.features[task].levels[0], nets[task][0](x))
        previous = (task, first, last)


def test_maps_are_added_before_normalised_maps_are_activated() -> None:
    """In a block, the pre-activation is what follows convolution and batch normalisation."""
    lateral = Lateral(heads=False)
    model = model_of(lateral, tasks="ab", kind="conv").eval()
    drawn(lateral)
    x = KINDS["conv"].inputs(2)
    one, two = (net.stages for net in model.sharing.networks().values())
    low = {"a": one[0](x), "b": two[0](x)}
    weight = lateral.units[unit_key(1, "b")].maps["task:a"].linear.weight
    signal = torch.einsum("oc,bchw->bohw", weight, low["a"])
    convolution, norm, activation, pooling = two[1]
    expected = pooling(activation(norm(convolution(low["b"])) + signal))
    torch.testing.assert_close(model(x).features["b"].levels[-1], expected)


@every
@pytest.mark.parametrize("kind", KINDS)
def test_the_start_is_exactly_that_of_single_task_networks(method: Any, kind: str) -> None:
    unit = method()
    model = model_of(unit, kind=kind)
    assert unit.units
    x = KINDS[kind].inputs(5)
    for training in (False, True):
        outputs = model.train(training)(x)
        for task in TASKS:
            single = model_of(tasks=[task], kind=kind).train(training)
            assert torch.equal(outputs[task], single(x)[task])


@every
@pytest.mark.parametrize(("kind", "optimizer"), [("mlp", "SGD"), ("conv", "Adam")])
def test_maps_held_at_zero_train_as_alone(method: Any, kind: str, optimizer: str) -> None:
    assert_trains_as_alone(method, kind, optimizer, frozen=True)


@every
def test_without_alpha_the_networks_train_as_alone(method: Any) -> None:
    assert_trains_as_alone(partial(method, alpha=0), "conv", "SGD", frozen=False)


@every
def test_an_edge_that_is_off_is_not_run(method: Any) -> None:
    unit = method(edges=[["a", "b.c"], ["b.c", "d%"]], alpha={"a -> b.c": 1.0})
    model = model_of(unit)
    assert unit.parents("d%") == ()
    assert not [key for key in unit.units if "d%25" in key]
    x = KINDS["mlp"].inputs(6)
    with counted(model.sharing.networks()) as ran:
        model(x, tasks=["d%"])
    assert ran == {"a": [], "b.c": [], "d%": [0, 1, 2, 3]}
    train(model, x)
    single = model_of(tasks=["d%"])
    train(single, x)
    beside = own_state(model, "d%")
    assert all(torch.equal(value, beside[key]) for key, value in own_state(single, "d%").items())


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        (True, {"a": [0, 1], "b.c": [0, 1, 2, 3], "d%": [0, 1, 2, 3]}),
        (False, {"a": [], "b.c": [0, 1], "d%": [0, 1, 2, 3]}),
    ],
)
def test_only_what_a_wanted_task_needs_is_run(heads: bool, expected: Any) -> None:
    lateral = Lateral(heads=heads)
    model = model_of(lateral)
    drawn(lateral)
    x = KINDS["mlp"].inputs(2)
    with counted(model.sharing.networks()) as ran:
        found = model(x, tasks=["d%"])
    assert ran == expected
    assert torch.equal(found["d%"], model(x)["d%"])


@every
def test_a_task_learns_from_what_it_reads_and_not_the_other_way(method: Any) -> None:
    unit = method()
    model = model_of(unit)
    drawn(unit)
    x = KINDS["mlp"].inputs(4)
    assert all(g is not None and g.any() for g in upstream(model, x, "b.c", "a"))
    assert all(g is None for g in upstream(model, x, "a", "b.c"))
    roles = model.roles()
    assert all(roles.values())
    assert roles["sharing.encoders.task:a.0.weight"] == set(TASKS)


@every
def test_detached_sources_learn_from_their_own_task_alone(method: Any) -> None:
    unit = method(detach="source")
    model = model_of(unit)
    drawn(unit)
    x = KINDS["mlp"].inputs(4)
    assert all(g is None for g in upstream(model, x, "d%", "a"))
    assert all(g is None for g in upstream(model, x, "d%", "b.c"))
    assert unit.units[unit_key(4, "d%")].state_dict()
    assert all(p.grad is not None for key, p in unit.named_parameters() if "d%25" in key[:14])
    assert model.roles()["sharing.encoders.task:a.0.weight"] == {"a"}
    train(model, x, steps=3)
    single = model_of(tasks=["a"])
    train(single, x, steps=3)
    beside = own_state(model, "a")
    assert all(torch.equal(value, beside[key]) for key, value in own_state(single, "a").items())


@every
def test_channels_grids_and_stages_may_differ(method: Any) -> None:
    """Maps of other sizes, and a vector that meets maps and the other way round."""
    small = nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 3, 3, stride=2), nn.ReLU()),
        nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU()),
    )
    large = nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU()), nn.Sequential(nn.Conv2d(4, 6, 1), nn.ReLU())
    )
    pooled = nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Sequential(nn.Linear(4, 7), nn.ReLU()),
    )
    encoders = {"a": large, "b": small, "c": pooled, "d": large}
    unit = method()
    model = model_of(unit, tasks="abcd", encoder=encoders, example=torch.zeros(2, 2, 9, 9))
    drawn(unit)
    for size in (9, 12):
        levels = {t: f.levels for t, f in model(torch.randn(3, 2, size, size)).features.items()}
        assert [level.shape[1] for level in levels["b"]] == [3, 5]
        assert levels["c"][-1].shape == (3, 7)
        assert levels["d"][-1].shape == (3, 6, size - 2, size - 2)
    assert all(model.roles().values())


def test_other_grids_are_averaged() -> None:
    wide = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1))
    strided = nn.Sequential(nn.Conv2d(1, 1, 2, stride=2), nn.Conv2d(1, 1, 1))
    lateral = Lateral(heads=False)
    encoders = {"a": wide, "b": strided}
    model = model_of(lateral, tasks="ab", encoder=encoders, example=torch.zeros(1, 1, 4, 4))
    nn.init.ones_(lateral.units[unit_key(1, "b")].maps["task:a"].linear.weight)
    x = torch.randn(2, 1, 4, 4)
    nets = model.sharing.networks()
    means = nets["a"][0](x).unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(-1, -2))
    torch.testing.assert_close(model(x).features["b"].levels[-1], nets["b"](x) + means)


@every
def test_inputs_that_differ_by_task_run_what_is_read_on_each(method: Any) -> None:
    unit = method()
    x = {task: KINDS["conv"].inputs(2 + i) for i, task in enumerate(TASKS)}
    model = model_of(unit, kind="conv", example=PerTask(x)).eval()
    drawn(unit)
    together = model(PerTask(x))
    for task in TASKS:
        assert torch.equal(together[task], model(x[task])[task])


def test_a_learned_gate_is_watched() -> None:
    lateral = Lateral(alpha="learned")
    model = model_of(lateral)
    drawn(lateral)
    assert lateral.gates is not None
    nn.init.constant_(lateral.gates.learned, 0.25)
    assert lateral.watched()["Lateral: alpha"].plain() == {"a -> b.c": 0.25, "b.c -> d%": 0.25}
    train(model, KINDS["mlp"].inputs(4), steps=2)
    values = lateral.watched()["Lateral: alpha"].plain()
    assert len(set(values.values())) == 2
    assert Lateral().watched() == {}
    fixed = Lateral()
    model_of(fixed)
    assert fixed.watched() == {}


def test_a_schedule_opens_the_gate() -> None:
    lateral = Lateral(alpha={"start": 0, "stop": 1})
    model = model_of(lateral)
    drawn(lateral)
    x = KINDS["mlp"].inputs(4)
    alone = model_of(tasks=["b.c"])(x)["b.c"]
    open_gate = Lateral()
    other = model_of(open_gate)
    open_gate.load_state_dict(lateral.state_dict())
    assert torch.equal(model(x)["b.c"], alone)
    model.set_progress(1.0)
    assert torch.equal(model(x)["b.c"], other(x)["b.c"])
    assert not torch.equal(model(x)["b.c"], alone)


@every
def test_other_numbers_of_stages_are_refused(method: Any) -> None:
    encoders = {"a": mlp(), "b": as_staged(mlp(), cuts=[2])}
    with pytest.raises(ShapeError, match=r"equal numbers of stages; found \{'a': 4, 'b': 2\}"):
        model_of(method(), tasks="ab", encoder=encoders)


@every
def test_a_place_to_add_to_is_needed(method: Any) -> None:
    with pytest.raises(ConfigError, match=r"network of task 'b\.c' is one block, .*`heads: true`"):
        model_of(method(heads=False), encoder=nn.Linear(4, 6))
    unit = method()
    assert all(model_of(unit, encoder=nn.Linear(4, 6)).roles().values())


@every
def test_unknown_ways_to_detach_are_refused(method: Any) -> None:
    with pytest.raises(ConfigError, match="must be None or 'source'; found 'target'"):
        method(detach="target")


@every
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradients_are_those_of_the_formula(method: Any, kind: str) -> None:
    unit = method(alpha="learned")
    model = model_of(unit, tasks="ab", kind=kind).double()
    drawn(unit)
    last = unit.last
    shape = model.sharing.shapes["a"].levels[last]
    x = [torch.randn(2, *shape, dtype=torch.float64, requires_grad=True) for _ in "ab"]
    assert unit.gates is not None
    weights = [*unit.units[unit_key(last + 1, "b")].parameters(), unit.gates.learned]

    def mixed(one: Any, two: Any, *_: Any) -> Any:
        return unit.mix(last, {"a": one, "b": two}, ["b"])["b"]

    assert torch.autograd.gradcheck(mixed, (*x, *weights))
