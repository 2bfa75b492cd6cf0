"""Features that are drawn to those of another task."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.connections import Hint, Wiring
from plait.core.errors import ConfigError, ShapeError
from plait.core.features import Features
from plait.core.outputs import Outputs
from plait.encoders import ConvEncoder
from plait.sharing import Hard, Separate
from tests.connections.flows import (
    classes,
    encoded,
    mlp,
    new,
    numbers,
    reached,
    rows,
    unit,
    vector,
)

EDGE = ("a", "b")


def cost(connection: Hint, model: Any, x: Any) -> Tensor:
    found: Tensor = connection.cost(EDGE, model(x))
    return found


def test_equal_shapes_are_compared_as_they_are() -> None:
    connection = Hint(alpha=0.3)
    model, x = new(numbers("a", "b"), connection), rows()
    expected = (encoded(model, "a", x) - encoded(model, "b", x)).square().mean()
    assert not list(connection.parameters())
    penalty = model.penalty([model(x)])
    torch.testing.assert_close(penalty.raw["Hint[a -> b]"], expected)
    torch.testing.assert_close(penalty["Hint[a -> b]"], 0.3 * expected)


@pytest.mark.parametrize("options", [{}, {"map": "linear"}])
def test_a_linear_map_joins_widths(options: dict[str, Any]) -> None:
    connection = Hint(**options)
    sharing = Separate({"a": mlp(4), "b": mlp(5 if options else 6)})
    model, x = new(numbers("a", "b"), connection, sharing=sharing), rows()
    r = unit(connection.maps, *EDGE).linear
    mapped = F.linear(encoded(model, "a", x), r.weight, r.bias)
    expected = F.mse_loss(mapped, encoded(model, "b", x))
    torch.testing.assert_close(cost(connection, model, x), expected)


def test_maps_are_averaged_onto_the_grid_of_the_target() -> None:
    connection = Hint(at=0)
    nets = {
        "a": ConvEncoder(in_channels=1, widths=(3,)),
        "b": nn.Sequential(nn.Conv2d(1, 5, 4, stride=4)),
    }
    example = torch.zeros(2, 1, 8, 8)
    model = new(classes("a", "b"), connection, sharing=Separate(nets), example=example)
    x = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    r = unit(connection.maps, *EDGE).linear
    mapped = F.conv2d(F.avg_pool2d(encoded(model, "a", x), 2), r.weight[:, :, None, None], r.bias)
    torch.testing.assert_close(
        cost(connection, model, x), F.mse_loss(mapped, encoded(model, "b", x))
    )


def test_the_level_is_chosen() -> None:
    x = rows()
    found = []
    for at in (0, -1):
        connection = Hint(at=at)
        model = new(numbers("a", "b"), connection)
        levels = [features.levels[at] for features in model(x).features.values()]
        torch.testing.assert_close(cost(connection, model, x), F.mse_loss(*levels))
        found.append(levels[0])
    assert not torch.equal(*found)


def test_padded_tokens_are_left_out() -> None:
    connection = Hint()
    connection.setup(Wiring(("a", "b"), {"a": vector(2), "b": vector(2)}))
    one, two = torch.randn(2, 3, 2), torch.randn(2, 3, 2)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    expected = torch.cat([(one - two)[0], (one - two)[1, :1]]).square().mean()
    one[1, 1:] = torch.nan
    features = {t: Features((h,), -1, mask) for t, h in (("a", one), ("b", two))}
    connection.setup(Wiring(("a", "b"), dict.fromkeys("ab", tokens())))
    found = connection.cost(EDGE, Outputs({}, features=features))
    torch.testing.assert_close(found, expected)


def tokens() -> Any:
    from plait.core.features import FeatureShape

    return FeatureShape(((3, 2),), -1)


@pytest.mark.parametrize("detach", [None, "source", "target"])
def test_a_side_that_is_held_gets_nothing(detach: Any) -> None:
    connection = Hint(detach=detach)
    model = new(numbers("a", "b"), connection)
    found, nets = cost(connection, model, rows()), model.sharing.networks()
    assert reached(found, nets["a"]) == (detach != "source")
    assert reached(found, nets["b"]) == (detach != "target")


def test_is_never_negative_and_zero_for_equal_features() -> None:
    connection = Hint()
    model = new(numbers("a", "b"), connection, sharing=Separate(mlp()))  # clones
    assert cost(connection, model, rows()).item() == 0.0
    model = new(numbers("a", "b"), connection := Hint(map="linear"))
    assert cost(connection, model, rows(1)).item() > 0.0


def test_an_edge_that_is_off_has_no_map_and_no_term() -> None:
    connection = Hint(map="linear", alpha=[0.0, 1.0])
    model = new(numbers("a", "b", "c"), connection)
    assert len(connection.maps) == 1
    assert list(model.penalty([model(rows())])) == ["Hint[b -> c]"]


def test_shared_features_can_be_compared_and_one_task_has_nothing_to_compare() -> None:
    model = new(numbers("a", "b"), Hint(map="linear"), sharing=Hard(mlp()))
    assert list(model.penalty([model(rows())])) == ["Hint[a -> b]"]
    model = new(numbers("a"), Hint())
    assert model.penalty([model(rows())]) == {}


def test_gradients_are_those_of_differences() -> None:
    connection = Hint(map="linear")
    model = new(numbers("a", "b"), connection)
    x, weights = rows(2), list(model.parameters())
    assert torch.autograd.gradcheck(lambda *_: cost(connection, model, x), weights)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"map": "conv"}, "`map` must be 'auto', 'linear' or 'identity'; found 'conv'"),
        ({"detach": "both"}, "`detach` of .* must be None, 'source' or 'target'; found 'both'"),
        ({"at": 2}, "`at` of Hint must name a level of the features of task 'a', which has 2"),
        ({"at": -3}, "found -3"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        new(numbers("a", "b"), Hint(**options))


def test_the_identity_needs_equal_shapes() -> None:
    sharing = Separate({"a": mlp(4), "b": mlp(6)})
    with pytest.raises(ShapeError, match=r"found \[4\] of task 'a' and \[6\] of 'b'.*map='linear'"):
        new(numbers("a", "b"), Hint(map="identity"), sharing=sharing)
