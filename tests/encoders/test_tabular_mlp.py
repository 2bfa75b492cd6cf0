"""The plain network for tables."""

import pytest
import torch
from torch.nn import functional as F

from plait.core.errors import ConfigError, ShapeError
from plait.core.lookup import options_of
from plait.encoders import TabularMLP
from plait.networks import encode, stages_of
from tests.encoders.tables import category, mixed, number, rows


def test_numbers_alone_go_through_linear_layers_and_relu() -> None:
    columns = [number("a", center=2.0, scale=0.5), number("b")]
    encoder = TabularMLP(columns, widths=(5, 3))
    x = torch.randn(7, 2)
    first, second = (stage[-2] for stage in stages_of(encoder))
    z = (x - torch.tensor([2.0, 0])) / torch.tensor([0.5, 1])
    z = z.where(z.abs() <= 4, z.sign() * (4 + torch.log(z.abs() - 3)))
    expected = [F.linear(z, first.weight, first.bias).clamp(min=0)]
    expected.append(F.linear(expected[0], second.weight, second.bias).clamp(min=0))
    for level, each in zip(encode(encoder, x).levels, expected, strict=True):
        torch.testing.assert_close(level, each)
    torch.testing.assert_close(encoder(x), expected[1])


def test_without_a_block_it_hands_on_what_was_read() -> None:
    encoder = TabularMLP([number("a", missing=0.1), category("k", 2)], widths=())
    out = encoder(torch.tensor([[0.5, 2.0], [torch.nan, 1.0]]))
    assert out[:, :2].tolist() == [[0.5, 0], [0, 1]]
    assert out.shape == (2, 4)
    assert not bool(out[1, 2:].any())


def test_dropout_acts_in_training_alone() -> None:
    encoder, x = TabularMLP(mixed(), widths=(64,), dropout=0.5), rows(mixed(), 3)
    assert not torch.equal(encoder(x), encoder(x))
    encoder.eval()
    assert torch.equal(encoder(x), encoder(x))


def test_an_untrained_input_is_harmless() -> None:
    """Values that no training row had do what a typical value, or none at all, does."""
    encoder = TabularMLP([number("a"), number("same", (7,), center=7.0), category("k", 5)])
    typical = encoder(torch.tensor([[0.0, 7, 0]]))
    new = torch.tensor([[torch.nan, 7, 0], [0, 9e9, 0], [0, torch.nan, 1], [0, 7, 99]])
    torch.testing.assert_close(encoder(new), typical.expand(4, -1))


def test_infinity_is_not_hidden() -> None:
    encoder = TabularMLP([number("a"), number("b")], widths=(8, 8))
    assert not bool(encoder(torch.tensor([[torch.inf, 0.0]])).isfinite().all())


def test_its_options_are_kept_as_plain_values() -> None:
    columns = mixed()
    encoder = TabularMLP(columns, widths=(4,), dropout=0.25)
    plain = [column.plain() for column in columns]
    assert options_of(encoder) == {"columns": plain, "widths": (4,), "dropout": 0.25}


def test_rows_of_another_table_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"must be \[B, 6\]"):
        TabularMLP(mixed())(torch.zeros(2, 5))


@pytest.mark.parametrize("options", [{"columns": []}, {"columns": [{"name": "a"}]}])
def test_wrong_columns_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="column"):
        TabularMLP(**options)  # type: ignore[arg-type]
