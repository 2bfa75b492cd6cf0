"""Costs on the edges."""

from typing import Any

import pytest
import torch

from plait.core.errors import ConfigError, UnsupportedError
from plait.core.outputs import Outputs
from tests.connections.columns import KINDS, model_of, train
from tests.connections.plain import Distance, Norm


def test_unknown_ways_to_detach_are_refused() -> None:
    with pytest.raises(
        ConfigError, match="`detach` of Distance must be None, 'source' or 'target'"
    ):
        Distance(detach="both")


@pytest.mark.parametrize(
    ("detach", "learn"),
    [(None, [True, True]), ("source", [False, True]), ("target", [True, False])],
)
def test_the_side_that_is_named_is_held(detach: Any, learn: list[bool]) -> None:
    sides = [torch.ones(2, requires_grad=True) for _ in range(2)]
    assert [side.requires_grad for side in Distance(detach=detach).held(*sides)] == learn


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
