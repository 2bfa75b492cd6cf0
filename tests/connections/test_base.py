"""The base of the connections: edges, and what is noted of the tasks."""

import copy
from typing import Any

import pytest

from plait.connections import ForwardConnection, PenaltyConnection, StageConnection, Wiring
from plait.connections.base import Connection
from plait.core.errors import ConfigError
from plait.core.features import FeatureShape
from plait.core.kinds import Kind
from plait.core.lookup import is_base
from plait.core.outputs import Outputs
from tests.connections.columns import KINDS, TASKS, model_of, train
from tests.connections.plain import Distance, Plain, Symmetric, Waits, wiring


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


def test_kinds_and_channel_axes_are_noted() -> None:
    shapes = {"a": FeatureShape(((4,),)), "b": FeatureShape(((5, 4),), channel_dim=-1)}
    connection = Plain()
    assert connection.kinds == connection.channel_dims == {}
    connection.setup(Wiring(("a", "b"), shapes, kinds={"a": Kind("classes")}))
    assert connection.kinds == {"a": Kind("classes"), "b": Kind()}
    assert connection.channel_dims == {"a": 1, "b": -1}
    assert connection.terms(Outputs({})) == {}


def test_a_copied_model_has_connections_of_its_own() -> None:
    model = model_of(Distance(alpha="learned"))
    twin = copy.deepcopy(model)
    train(twin, KINDS["mlp"].inputs(6), steps=2)
    assert model.watched()["Distance: alpha"].plain()["a -> b.c"] == 1.0
    assert twin.watched()["Distance: alpha"].plain()["a -> b.c"] != 1.0
