import pytest
import torch
from torch import nn

from plait.core.errors import ShapeError
from plait.core.features import FeatureShape
from plait.encoders import TextEncoder
from plait.encoders.inputs import Carry, Concatenate, Lay, pointwise
from plait.encoders.inputs.join import laid
from tests.encoders.inputs.columns import batch


def test_vectors_stand_one_after_the_other_and_padding_is_left_out() -> None:
    torch.manual_seed(0)
    text, row = TextEncoder(codes=5, pieces=20, width=6).eval(), nn.Linear(2, 3)
    inputs = batch("row", "title")
    inputs["row"] = inputs["row"].nan_to_num()
    found = Concatenate({"row": row, "title": text})(inputs)
    tokens, expected = text(inputs["title"]), torch.zeros(3, 6)
    for example, length in enumerate([5, 2]):
        expected[example] = tokens[example, :length].mean(dim=0)
    torch.testing.assert_close(found, torch.cat([row(inputs["row"]), expected], dim=1))


@pytest.mark.parametrize("channel_dim", [1, -1])
def test_a_vector_is_laid_beside_every_position_and_carried_on(channel_dim: int) -> None:
    torch.manual_seed(0)
    vector, values = torch.randn(2, 3), torch.randn(2, 4, 6)
    found = laid(values, vector, channel_dim).movedim(channel_dim, 1)
    assert torch.equal(found[:, :-3], values.movedim(channel_dim, 1))
    for place in range(found.shape[2]):
        assert torch.equal(found[:, -3:, place], vector)
    stage = nn.Conv1d(4, 5, 3, stride=2) if channel_dim == 1 else nn.Linear(6, 5)
    carry = Carry(stage, values.shape[channel_dim], channel_dim)
    torch.testing.assert_close(
        carry(laid(values, vector, channel_dim)), laid(stage(values), vector, channel_dim)
    )
    empty = torch.zeros(2, 0, 6)
    assert Carry(nn.Linear(6, 5), 6, -1)(laid(empty, vector, -1)).shape == (2, 0, 8)


def test_the_first_stage_reads_the_others_too() -> None:
    torch.manual_seed(0)
    stage, row = nn.Conv2d(3, 4, 3), nn.Linear(2, 3)
    inputs = batch("photo", "row")
    inputs["row"] = inputs["row"].nan_to_num()
    lay = Lay("photo", stage, 1, {"row": row}, 3, 2)
    found = lay(inputs)
    torch.testing.assert_close(found[:, :4], stage(inputs["photo"]))
    torch.testing.assert_close(found[:, 4:, 7, 5], lay.enter(row(inputs["row"])))


@pytest.mark.parametrize(
    ("level", "channel_dim", "values"),
    [
        ((4,), 1, torch.randn(2, 4)),
        ((4, 7), 1, torch.randn(2, 4, 7)),
        ((4, 5, 6), 1, torch.randn(2, 4, 5, 6)),
        ((7, 4), -1, torch.randn(2, 7, 4)),
        ((5, 6, 4), -1, torch.randn(2, 5, 6, 4)),
    ],
)
def test_a_layer_of_the_trunk_acts_at_each_position(
    level: tuple[int, ...], channel_dim: int, values: torch.Tensor
) -> None:
    layer = pointwise(FeatureShape((level,), channel_dim), 4, 3)
    weight = layer[0].weight.reshape(3, 4)
    rows = values.movedim(channel_dim, -1) @ weight.T + layer[0].bias
    torch.testing.assert_close(layer(values), rows.relu().movedim(-1, channel_dim))


@pytest.mark.parametrize("inputs", [torch.zeros(2, 3), {"row": torch.zeros(2, 2)}])
def test_other_inputs_are_refused(inputs: object) -> None:
    join = Concatenate({"row": nn.Linear(2, 3), "photo": nn.Flatten()})
    with pytest.raises(ShapeError, match="inputs must be a dict of row, photo"):
        join(inputs)
