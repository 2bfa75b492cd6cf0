"""Probabilities that keep the order of the tasks."""

from typing import Any

import pytest
import torch
from torch import Tensor

from plait.connections import OrderCalibration
from plait.core.errors import ShapeError, UnsupportedError
from plait.core.outputs import Outputs
from plait.tasks import Classification, MultiLabel
from tests.connections.flows import classes, labels, new, numbers, reached, rows

EDGE = ("a", "b")


def test_is_the_mean_excess() -> None:
    connection = OrderCalibration()
    new(labels("a", "b", number=2), connection)
    p = {"a": torch.tensor([[0.5, 0.2], [0.9, 0.1]]), "b": torch.tensor([[0.6, 0.1], [0.2, 0.4]])}
    found = connection.terms(Outputs({task: each.logit() for task, each in p.items()}))
    torch.testing.assert_close(found["OrderCalibration[a -> b]"].raw, torch.tensor(0.1))
    torch.testing.assert_close(found["OrderCalibration[a -> b]"].scaled, torch.tensor(0.06))


def test_is_zero_where_the_order_is_kept() -> None:
    connection = OrderCalibration()
    new(labels("a", "b"), connection)
    b = torch.randn(20, 1)
    assert connection.cost(EDGE, Outputs({"a": b + b.abs(), "b": b})).item() == 0.0
    assert connection.cost(EDGE, Outputs({"a": b, "b": b})).item() == 0.0
    assert connection.cost(EDGE, Outputs({"a": b, "b": b + 1})).item() > 0.0


def test_does_not_depend_on_the_number_of_examples() -> None:
    connection = OrderCalibration()
    model, x = new(labels("a", "b"), connection), rows()
    once, twice = (connection.cost(EDGE, model(each)) for each in (x, torch.cat([x, x])))
    torch.testing.assert_close(once, twice)


def test_two_classes_are_a_yes_or_no() -> None:
    connection = OrderCalibration()
    tasks = [Classification("a", classes=2), MultiLabel("b", labels=1)]
    model, x = new(tasks, connection), rows()
    outputs = model(x)
    expected = (outputs["b"].sigmoid()[:, 0] - outputs["a"].softmax(1)[:, 1]).relu().mean()
    torch.testing.assert_close(connection.cost(EDGE, outputs), expected)


@pytest.mark.parametrize("detach", [None, "source", "target"])
def test_a_side_that_is_held_gets_nothing(detach: Any) -> None:
    connection = OrderCalibration(detach=detach)
    model = new(labels("a", "b"), connection)
    found, nets = connection.cost(EDGE, model(rows())), model.sharing.networks()
    assert reached(found, nets["a"]) == (detach != "source")
    assert reached(found, nets["b"]) == (detach != "target")


def test_gradients_are_those_of_differences() -> None:
    connection = OrderCalibration()
    model, x = new(labels("a", "b"), connection), rows(3)

    def cost(*_: Tensor) -> Tensor:
        return connection.cost(EDGE, model(x))

    assert torch.autograd.gradcheck(cost, list(model.parameters()))


def test_what_is_no_yes_or_no_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"OrderCalibration reads.*'b' predicts numbers"):
        new([*labels("a"), *numbers("b")], OrderCalibration())
    with pytest.raises(UnsupportedError, match=r"task 'a' predicts one of 3 classes"):
        new([*classes("a"), *labels("b")], OrderCalibration())
    with pytest.raises(ShapeError, match=r"found \[2\] labels of task 'a' and \[1\] of 'b'"):
        new([*labels("a", number=2), *labels("b")], OrderCalibration())
    new([*labels("a"), *numbers("b")], OrderCalibration(alpha=0.0))
