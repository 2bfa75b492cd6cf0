"""Predictions that are drawn to those of another task."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, kl_divergence
from torch.nn import functional as F

from plait.connections import PredictionDistillation, Wiring
from plait.core.errors import ConfigError, ShapeError
from plait.core.features import Features
from plait.core.kinds import Kind
from plait.core.outputs import Outputs
from tests.connections.flows import classes, labels, new, numbers, reached, rows, unit

EDGE = ("a", "b")


def made(kind: Kind, shape: tuple[int, ...], **options: Any) -> PredictionDistillation:
    connection = PredictionDistillation(**options)
    connection.setup(
        Wiring(EDGE, {}, kinds=dict.fromkeys(EDGE, kind), predictions=dict.fromkeys(EDGE, shape))
    )
    return connection


def pair(*shape: int) -> Outputs:
    return Outputs({task: 3 * torch.randn(*shape, dtype=torch.float64) for task in EDGE})


@pytest.mark.parametrize("tau", [1.0, 2.5])
def test_classes_have_the_divergence_of_their_distributions(tau: float) -> None:
    outputs = pair(6, 4)
    found = made(Kind("classes"), (4,), tau=tau).cost(EDGE, outputs)
    one, two = (Categorical(logits=outputs[task] / tau) for task in EDGE)
    torch.testing.assert_close(found, tau**2 * kl_divergence(one, two).mean())


def test_pixels_and_tokens_are_averaged_but_for_the_padding() -> None:
    outputs = pair(2, 3, 4, 5)
    found = made(Kind("classes"), (3, 4, 5), tau=1.0).cost(EDGE, outputs)
    one, two = (Categorical(logits=outputs[task].movedim(1, -1)) for task in EDGE)
    torch.testing.assert_close(found, kl_divergence(one, two).mean())

    outputs = pair(2, 5, 3)
    mask = torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
    one, two = (Categorical(logits=outputs[task][mask]) for task in EDGE)
    outputs["a"][~mask] = torch.nan
    outputs.features["b"] = Features((torch.zeros(2, 5, 1),), -1, mask)
    found = made(Kind("classes", -1), (5, 3), tau=1.0).cost(EDGE, outputs)
    torch.testing.assert_close(found, kl_divergence(one, two).mean())


def test_labels_have_that_of_each_of_them() -> None:
    outputs = pair(6, 4)
    found = made(Kind("labels"), (4,), tau=2.0).cost(EDGE, outputs)
    one, two = (Bernoulli(logits=outputs[task] / 2.0) for task in EDGE)
    torch.testing.assert_close(found, 4.0 * kl_divergence(one, two).mean())


@pytest.mark.parametrize("kind", ["numbers", "other"])
def test_numbers_have_the_squared_difference(kind: Any) -> None:
    outputs = pair(6, 4)
    found = made(Kind(kind), (4,)).cost(EDGE, outputs)
    torch.testing.assert_close(found, F.mse_loss(outputs["a"], outputs["b"]))


@pytest.mark.parametrize("kind", ["classes", "labels", "numbers"])
def test_is_zero_for_equal_predictions_and_never_negative(kind: Any) -> None:
    connection = made(Kind(kind), (4,))
    outputs = pair(50, 4)
    assert connection.cost(EDGE, outputs).item() > 0.0
    same = Outputs(dict.fromkeys(EDGE, outputs["a"].float()))
    assert connection.cost(EDGE, same).item() == 0.0
    step = 1e-3 * torch.randn(50, 4)
    near = Outputs({"a": same["a"], "b": same["a"] + step})
    exact = Outputs({task: value.double() for task, value in near.items()})
    assert connection.cost(EDGE, near).item() > 0.0
    torch.testing.assert_close(
        connection.cost(EDGE, near).double(), connection.cost(EDGE, exact), rtol=1e-3, atol=0.0
    )


def test_extreme_logits_stay_finite() -> None:
    values = torch.tensor([[200.0, -200.0]], requires_grad=True)
    for kind in ("classes", "labels"):
        found = made(Kind(kind), (2,), tau=1.0).cost(EDGE, Outputs({"a": values, "b": -values}))
        assert found.isfinite()
        assert torch.autograd.grad(found, values)[0].isfinite().all()


@pytest.mark.parametrize("detach", [None, "source", "target"])
def test_a_side_that_is_held_gets_nothing(detach: Any) -> None:
    connection = PredictionDistillation(detach=detach)
    model = new(classes("a", "b"), connection)
    found, nets = connection.cost(EDGE, model(rows())), model.sharing.networks()
    assert reached(found, nets["a"]) == (detach != "source")
    assert reached(found, nets["b"]) == (detach != "target")


def test_a_map_joins_predictions_of_any_kind() -> None:
    connection = PredictionDistillation(map="linear", tau=1.0)
    model, x = new([*numbers("a", number=2), *classes("b")], connection), rows()
    outputs = model(x)
    g = unit(connection.maps, *EDGE)
    one, two = Categorical(logits=g(outputs["a"])), Categorical(logits=outputs["b"])
    penalty = model.penalty([outputs])
    torch.testing.assert_close(
        penalty["PredictionDistillation[a -> b]"], kl_divergence(one, two).mean()
    )


def test_predictions_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"'a' predicts 3 classes and 'b' 4 classes.*map='linear'"):
        new([*classes("a"), *classes("b", number=4)], PredictionDistillation())
    with pytest.raises(ShapeError, match="'a' predicts 3 labels and 'b' 3 classes"):
        new([*labels("a", number=3), *classes("b")], PredictionDistillation())
    new([*labels("a", number=3), *classes("b")], PredictionDistillation(alpha=0.0))


@pytest.mark.parametrize("batch", [1, 3])
def test_gradients_are_those_of_differences(batch: int) -> None:
    connection = PredictionDistillation(map="linear")
    model, x = new([*labels("a"), *classes("b")], connection), rows(batch)
    weights = list(model.parameters())

    def cost(*_: Tensor) -> Tensor:
        return connection.cost(EDGE, model(x))

    assert torch.autograd.gradcheck(cost, weights)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau": 0.0}, r"`tau` must be above 0; found 0\.0"),
        ({"map": "mlp"}, "`map` must be None or 'linear'; found 'mlp'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PredictionDistillation(**options)
