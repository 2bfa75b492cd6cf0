"""Predictions that agree with what a map makes of another one."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.connections import Consistency
from plait.core.errors import ConfigError, ShapeError
from plait.encoders import ConvEncoder
from plait.tasks import DenseRegression, Segmentation
from tests.connections.flows import classes, labels, new, numbers, reached, rows, unit

EDGE = ("a", "b")


def cost(connection: Consistency, model: Any, x: Any) -> Tensor:
    found: Tensor = connection.cost(EDGE, model(x))
    return found


@pytest.mark.parametrize("maps", ["linear", "mlp"])
@pytest.mark.parametrize("distance", ["absolute", "squared"])
def test_compares_what_is_said_with_what_is_implied(maps: Any, distance: Any) -> None:
    own = {"hidden": 7} if maps == "mlp" else {}
    connection = Consistency(maps=maps, distance=distance, **own)
    model, x = new([*labels("a", number=2), *classes("b")], connection), rows()
    outputs = model(x)
    g = unit(connection.nets, *EDGE)
    implied = g(outputs["a"].sigmoid()).softmax(1)
    assert sum(p.numel() for p in g.parameters()) == (9 if maps == "linear" else 21 + 24)
    d = F.l1_loss if distance == "absolute" else F.mse_loss
    torch.testing.assert_close(connection.cost(EDGE, outputs), d(outputs["b"].softmax(1), implied))


def test_dense_predictions_are_mapped_pixel_by_pixel() -> None:
    connection = Consistency()
    tasks = [Segmentation("a", classes=2), DenseRegression("b")]
    example = torch.zeros(2, 1, 8, 8)
    model = new(
        tasks,
        connection,
        encoder=lambda: ConvEncoder(in_channels=1, widths=(3,)),
        example=example,
    )
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    outputs = model(x)
    g = unit(connection.nets, *EDGE).linear
    implied = F.conv2d(outputs["a"].softmax(1), g.weight[:, :, None, None], g.bias)
    torch.testing.assert_close(connection.cost(EDGE, outputs), F.l1_loss(implied, outputs["b"]))


class Square(nn.Module):
    """What is known of the two tasks: one is the square of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1, affine=False)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, y: Tensor) -> Tensor:
        return self.scale * y.square()


def test_given_networks_are_used_and_held_if_frozen() -> None:
    for frozen in (False, True):
        square = Square()
        connection = Consistency(maps={"a -> b": square}, frozen=frozen)
        model, x = new(numbers("a", "b"), connection), rows()
        outputs = model(x)
        expected = F.l1_loss(outputs["a"].square(), outputs["b"])
        found = connection.cost(EDGE, outputs)
        torch.testing.assert_close(found, expected)
        assert unit(connection.nets, *EDGE) is square
        assert square.scale.requires_grad is not frozen
        model.train()
        assert square.norm.training is not frozen
        assert reached(found, model.sharing.networks()["a"])


@pytest.mark.parametrize("detach", [None, "source", "target"])
def test_a_side_that_is_held_gets_nothing(detach: Any) -> None:
    connection = Consistency(detach=detach)
    model = new(numbers("a", "b"), connection)
    found, nets = cost(connection, model, rows()), model.sharing.networks()
    assert reached(found, nets["a"]) == (detach != "source")
    assert reached(found, nets["b"]) == (detach != "target")
    assert reached(found, connection.nets)


def test_is_never_negative_and_zero_in_agreement() -> None:
    connection = Consistency(maps={"a -> b": nn.Identity()})
    model, x = new(numbers("a", "b"), connection), rows(1)
    assert cost(connection, model, x).item() > 0.0
    outputs = model(x)
    outputs["b"] = outputs["a"]
    assert connection.cost(EDGE, outputs).item() == 0.0


def test_an_edge_that_is_off_has_no_network() -> None:
    connection = Consistency(alpha=[0.0, 1.0])
    model = new(numbers("a", "b", "c"), connection)
    assert len(connection.nets) == 1
    assert list(model.penalty([model(rows())])) == ["Consistency[b -> c]"]


def test_gradients_are_those_of_differences() -> None:
    connection = Consistency(maps="mlp", distance="squared", hidden=3)
    model, x = new([*labels("a"), *classes("b")], connection), rows(2)
    weights = list(model.parameters())
    assert torch.autograd.gradcheck(lambda *_: cost(connection, model, x), weights)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"maps": "conv"}, "`maps` must be 'linear', 'mlp' or .* found 'conv'"),
        ({"frozen": True}, "networks that are held have to be given; found `maps` 'linear'"),
        ({"distance": "l1"}, "`distance` must be 'absolute' or 'squared'; found 'l1'"),
        ({"hidden": 0, "maps": "mlp"}, "`hidden` must be at least 1; found 0"),
        ({"hidden": 8}, "`hidden` has no effect without maps='mlp'; leave it out"),
        ({"maps": {}}, "no network for the edge a -> b"),
        ({"maps": {"a -> c": nn.Identity()}}, "unknown edge of `maps` 'a -> c'; known: a -> b"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        new(numbers("a", "b"), Consistency(**options))


def test_a_network_has_to_give_the_shape_of_the_prediction() -> None:
    connection = Consistency(maps={"a -> b": nn.Linear(1, 2)})
    model = new(numbers("a", "b"), connection)
    with pytest.raises(ShapeError, match=r"edge a -> b must give .* 'b', \[4, 1\]; found \[4, 2\]"):
        cost(connection, model, rows())
