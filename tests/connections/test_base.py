"""The bases of the connections."""

import copy
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from plait.connections import ForwardConnection, PenaltyConnection, StageConnection, Wiring
from plait.connections.base import Connection
from plait.connections.edges.graph import Edge
from plait.core.errors import ConfigError, ShapeError, UnsupportedError
from plait.core.features import Features, FeatureShape
from plait.core.lookup import is_base
from plait.core.outputs import Outputs
from tests.connections.columns import KINDS, TASKS, counted, mlp, model_of, train


def wiring(*tasks: str, levels: Any = ((4,), (3,))) -> Wiring:
    names = tasks or TASKS
    return Wiring(names, {task: FeatureShape(levels) for task in names})


class Symmetric(StageConnection):
    symmetric = True


class Plain(StageConnection):
    """Overrides nothing."""


class Waits(ForwardConnection):
    level = "features"


class Distance(PenaltyConnection):
    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        return (outputs[edge[0]] - outputs[edge[1]]).square().mean()


class Norm(PenaltyConnection):
    reads_outputs: ClassVar[bool] = False

    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        assert not outputs
        return torch.tensor(2.0)


# --- edges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [Plain, Waits, Distance])
def test_without_edges_it_is_the_chain(made: Any) -> None:
    connection: Connection = made()
    connection.setup(wiring())
    assert connection.links == (("a", "b.c"), ("b.c", "d%"))
    assert [connection.parents(task) for task in TASKS] == [(), ("a",), ("b.c",)]


def test_or_all_pairs_if_it_is_symmetric() -> None:
    connection = Symmetric()
    connection.setup(wiring())
    assert len(connection.links) == 6
    assert connection.parents("b.c") == ("a", "d%")


@pytest.mark.parametrize("made", [Plain, Waits, Distance])
def test_a_cycle_is_refused(made: Any) -> None:
    edges = [["a", "b.c"], ["b.c", "a"]]
    with pytest.raises(ConfigError, match="the edges form a cycle"):
        made(edges=edges).setup(wiring())
    Symmetric(edges=edges).setup(wiring())


@pytest.mark.parametrize("made", [Symmetric, Plain, Waits, Distance])
def test_an_unknown_task_is_refused(made: Any) -> None:
    with pytest.raises(ConfigError, match="edge a -> e: unknown task 'e'"):
        made(edges=[["a", "e"]]).setup(wiring())


def test_sources_come_in_the_order_of_the_tasks() -> None:
    connection = Plain(edges=[["d%", "a"], ["b.c", "a"]])
    connection.setup(wiring())
    assert connection.parents("a") == ("b.c", "d%")
    assert connection.joined() == list(TASKS)
    alone = Plain(edges=[["d%", "a"]])
    alone.setup(wiring())
    assert alone.joined() == ["a", "d%"]


def test_the_given_edges_are_copied() -> None:
    edges = [["a", "b.c"]]
    connection = Plain(edges=edges)
    edges[0][1] = "d%"
    assert connection.edges == [["a", "b.c"]]


def test_the_bases_are_no_methods() -> None:
    bases = (Connection, StageConnection, ForwardConnection, PenaltyConnection)
    assert all(map(is_base, bases))
    assert not any(map(is_base, (Plain, Waits, Distance)))


# --- stages ---------------------------------------------------------------------------------------


def test_a_stage_connection_that_overrides_nothing_changes_nothing() -> None:
    model = model_of(Plain())
    x = KINDS["mlp"].inputs(4)
    plain = model_of()
    with counted(model.sharing.networks()) as ran:
        found = model(x, tasks=["b.c"])
    assert ran == {"a": [], "b.c": [0, 1, 2, 3], "d%": []}
    assert torch.equal(found["b.c"], plain(x)["b.c"])
    assert model.penalty([found]) == {}


def test_networks_of_other_numbers_of_stages_are_refused() -> None:
    shapes = {
        "a": FeatureShape(((4,),)),
        "b": FeatureShape(((4,), (4,))),
        "c": FeatureShape(((4,),)),
    }
    message = r"Plain joins networks .*; found \{'a': 1, 'b': 2, 'c': 1\}.*as_staged"
    with pytest.raises(ShapeError, match=message):
        Plain().setup(Wiring(("a", "b", "c"), shapes))
    Plain(edges=[["a", "c"]]).setup(Wiring(("a", "b", "c"), shapes))


# --- forward --------------------------------------------------------------------------------------


def test_a_forward_connection_that_overrides_nothing_changes_nothing() -> None:
    connection = Waits()
    model = model_of(connection)
    x = KINDS["mlp"].inputs(4)
    for task, found in model(x).items():
        assert torch.equal(found, model_of()(x)[task])
    given = {"a": Features((x,))}
    assert connection.features("a", given, {}, {}) is given["a"]
    assert connection.prediction("a", {"a": x}) is x
    assert connection.build("a", wiring(), {"a": FeatureShape(((4,),))}, {}).levels == ((4,),)


def test_an_edge_that_is_off_has_no_source() -> None:
    connection = Waits(alpha=[0, 0.5])
    connection.setup(wiring())
    assert [connection.parents(task) for task in TASKS] == [(), (), ("b.c",)]
    assert connection.watched() == {}
    learned = Waits(alpha="learned")
    assert learned.watched() == {}
    learned.setup(wiring())
    assert learned.watched()["Waits: alpha"].plain() == {"a -> b.c": 1.0, "b.c -> d%": 1.0}


def test_unknown_ways_to_detach_are_refused() -> None:
    with pytest.raises(ConfigError, match="`detach` of Waits must be None or 'source'"):
        Waits(detach="target")
    with pytest.raises(ConfigError, match="`detach` must be None, 'source' or 'target'"):
        Distance(detach="both")


# --- penalties ------------------------------------------------------------------------------------


def test_each_edge_is_a_term_by_name() -> None:
    connection = Distance(alpha=[0.5, 2.0])
    model = model_of(connection)
    outputs = model(KINDS["mlp"].inputs(4))
    penalty = model.penalty([outputs])
    assert list(penalty) == ["Distance[a -> b.c]", "Distance[b.c -> d%]"]
    for (source, target), alpha in zip(connection.links, (0.5, 2.0), strict=True):
        cost = (outputs[source] - outputs[target]).square().mean()
        name = f"Distance[{source} -> {target}]"
        torch.testing.assert_close(penalty.raw[name], cost)
        torch.testing.assert_close(penalty[name], alpha * cost)


def test_an_edge_that_is_off_or_did_not_run_has_no_term() -> None:
    connection = Distance(alpha=[0.0, 1.0])
    model = model_of(connection)
    x = KINDS["mlp"].inputs(4)
    assert connection.active == (("b.c", "d%"),)
    assert list(model.penalty([model(x)])) == ["Distance[b.c -> d%]"]
    assert connection.terms(Outputs({"a": x, "b.c": x})) == {}


def test_rows_of_different_examples_are_refused() -> None:
    connection = Distance()
    model_of(connection)
    x = torch.randn(2, 1)
    outputs = Outputs({"a": x, "b.c": x, "d%": x})
    assert len(connection.terms(outputs)) == 2
    outputs.common = False
    with pytest.raises(UnsupportedError, match="Distance compares what tasks make of one example"):
        connection.terms(outputs)


def test_a_penalty_of_the_parameters_is_counted_once_in_a_step() -> None:
    model = model_of(Norm(edges=[["a", "b.c"]], alpha=0.5))
    outputs = [model(KINDS["mlp"].inputs(2)) for _ in range(3)]
    penalty = model.penalty(outputs)
    assert {name: value.item() for name, value in penalty.items()} == {"Norm[a -> b.c]": 1.0}
    assert model.penalty(outputs, parameters=False) == {}


def test_learned_weights_are_watched() -> None:
    connection = Distance(alpha={"learned": 0.5})
    assert connection.watched() == {}
    model = model_of(connection)
    assert connection.watched()["Distance: alpha"].plain()["a -> b.c"] == pytest.approx(0.5)
    train(model, KINDS["mlp"].inputs(6), steps=2)
    assert connection.watched()["Distance: alpha"].plain()["a -> b.c"] != pytest.approx(0.5)


def test_a_copied_model_has_connections_of_its_own() -> None:
    model = model_of(Distance(alpha="learned"))
    twin = copy.deepcopy(model)
    train(twin, KINDS["mlp"].inputs(6), steps=2)
    assert model.watched()["Distance: alpha"].plain()["a -> b.c"] == 1.0
    assert twin.watched()["Distance: alpha"].plain()["a -> b.c"] != 1.0


def test_shapes_are_those_of_what_is_wired() -> None:
    """What a stage connection is told of one network."""
    seen: list[Wiring] = []

    class Listens(Plain):
        def setup(self, wiring: Wiring) -> None:
            super().setup(wiring)
            seen.append(wiring)

    model_of(Listens())
    (found,) = seen
    assert found.tasks == TASKS
    assert found.ends == dict.fromkeys(TASKS, (1, 3))
    assert found.bodies["a"].levels == ((6,),) * 4
    assert found.shapes["a"].levels == ((6,),) * 4
    assert type(found.networks["a"]) is type(mlp())
