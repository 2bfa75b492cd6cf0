"""Networks whose parameters are drawn to each other along edges."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.connections import ParameterTransfer
from plait.core.errors import ConfigError, ShapeError, UnsupportedError
from plait.encoders import ConvEncoder
from plait.sharing import Hard, Separate
from tests.connections.flows import classes, mlp, new, numbers, reached, rows

ABC = ["a", "b.c", "d"]


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def flat(model: Any, task: str, *names: str) -> Tensor:
    network = model.sharing.networks()[task]
    return torch.cat([network.get_parameter(name).flatten() for name in names])


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["0.weight", "0.bias", "2.weight", "2.bias"]),
        ({"include_bias": False}, ["0.weight", "2.weight"]),
        ({"scope": "0.*"}, ["0.weight", "0.bias"]),
    ],
)
def test_is_the_squared_distance_of_the_matched_parameters(
    options: dict[str, Any], names: list[str]
) -> None:
    model = new(numbers(*ABC), ParameterTransfer(**options, alpha=[0.5, 2.0]), encoder=net)
    penalty = model.penalty([model(rows())])
    theta = [flat(model, task, *names) for task in ABC]
    for position, (name, alpha) in enumerate(
        [("ParameterTransfer[a -> b.c]", 0.5), ("ParameterTransfer[b.c -> d]", 2.0)]
    ):
        distance = (theta[position] - theta[position + 1]).square().sum()
        torch.testing.assert_close(penalty.raw[name], distance)
        torch.testing.assert_close(penalty[name], alpha * distance)


def test_counts_once_in_a_step_whatever_the_batch() -> None:
    model = new(numbers("a", "b"), ParameterTransfer())
    outputs = [model(rows(2)), model(rows(6))]
    once = model.penalty(outputs)
    assert list(once) == list(model.penalty([])) == ["ParameterTransfer[a -> b]"]
    assert torch.equal(
        once["ParameterTransfer[a -> b]"], model.penalty([])["ParameterTransfer[a -> b]"]
    )
    assert model.penalty(outputs, share=0.25, parameters=False) == {}


@pytest.mark.parametrize("detach", [None, "source", "target"])
def test_a_side_that_is_held_gets_nothing(detach: Any) -> None:
    connection = ParameterTransfer(detach=detach)
    model = new(numbers("a", "b"), connection)
    (term,) = model.penalty([]).values()
    nets = model.sharing.networks()
    assert reached(term, nets["a"]) == (detach != "source")
    assert reached(term, nets["b"]) == (detach != "target")


def test_descent_converges_to_the_harmonic_mean_along_a_chain() -> None:
    """With the ends held, what is least between them is evenly spaced."""
    model = new(numbers(*ABC), ParameterTransfer())
    nets = model.sharing.networks()
    for task in ("a", "d"):
        nets[task].requires_grad_(False)
    optimizer = torch.optim.SGD(nets["b.c"].parameters(), lr=0.1)
    for _ in range(80):
        optimizer.zero_grad()
        torch.stack(list(model.penalty([]).values())).sum().backward()
        optimizer.step()
    a, b, d = (flat(model, task, "0.weight", "0.bias") for task in ABC)
    torch.testing.assert_close(b, (a + d) / 2)


def test_clones_are_at_distance_zero_and_copies_keep_their_own_parameters() -> None:
    model = new(numbers("a", "b"), ParameterTransfer(), sharing=Separate(mlp()))
    (term,) = model.penalty([]).values()
    assert term.item() == 0.0
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.sharing.networks()["a"].parameters():
            parameter.add_(1.0)
    assert next(iter(model.penalty([]).values())).item() == 0.0
    number = sum(p.numel() for p in mlp().parameters())
    assert next(iter(twin.penalty([]).values())).item() == pytest.approx(number)
    assert not [name for name in model.state_dict() if name.startswith("connections.0.matched")]


def test_gradients_are_those_of_differences() -> None:
    model = new(numbers("a", "b"), ParameterTransfer())

    def cost(*_: Tensor) -> Tensor:
        return torch.stack(list(model.penalty([]).values())).sum()

    assert torch.autograd.gradcheck(cost, list(model.sharing.parameters()))


def test_what_cannot_be_matched_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"one network per task, .* Use sharing\.Separate"):
        new(numbers("a", "b"), ParameterTransfer(), sharing=Hard(mlp()))
    with pytest.raises(ConfigError, match=r"`scope` 'x' of ParameterTransfer matches no parameter"):
        new(numbers("a", "b"), ParameterTransfer(scope="x"))
    sharing = Separate({"a": mlp(4), "b": mlp(6)})
    with pytest.raises(ShapeError, match=r"'0\.weight' has to have one shape"):
        new(numbers("a", "b"), ParameterTransfer(), sharing=sharing)
    new(numbers("a", "b"), ParameterTransfer(alpha=0.0), sharing=Hard(mlp()))
    new(numbers("a"), ParameterTransfer())
    images = torch.zeros(2, 1, 8, 8)
    new(
        classes("a", "b"),
        ParameterTransfer(scope="stages.0.*"),
        encoder=lambda: ConvEncoder(in_channels=1, widths=(2, 3)),
        example=images,
    )
