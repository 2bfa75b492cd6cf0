"""Residual adapters."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from plait.core.errors import ConfigError
from plait.sharing.conditioning import Adapter
from tests.sharing.conditioning.trunks import Conditioned


def test_in_series_it_reads_what_the_layer_gives() -> None:
    base, x = nn.Linear(4, 3), torch.randn(2, 4)
    made = Conditioned(Adapter(), base)
    assert torch.equal(made("a", x), base(x))
    made.stir()
    matrix = made.own(0).get_parameter("update.full")[0]
    torch.testing.assert_close(made("a", x), base(x) + base(x) @ matrix.T)


def test_in_parallel_it_reads_what_the_layer_reads() -> None:
    base, x = nn.Linear(4, 3), torch.randn(2, 4)
    made = Conditioned(Adapter(placement="parallel"), base)
    made.stir()
    matrix = made.own(0).get_parameter("full")[0]
    torch.testing.assert_close(made("a", x), base(x) + x @ matrix.T)


def test_in_parallel_with_a_convolution_it_is_one_of_its_stride() -> None:
    base, x = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), torch.randn(2, 4, 7, 7)
    made = Conditioned(Adapter(placement="parallel"), base)
    made.stir()
    kernel = made.own(0).get_parameter("0.full")[0].view(6, 2, 1, 1)
    expected = base(x) + F.conv2d(x, kernel, stride=2, groups=2)
    torch.testing.assert_close(made("a", x), expected)


def test_a_bottleneck_is_a_product_that_starts_at_zero() -> None:
    base, x = nn.Linear(4, 3), torch.randn(2, 4)
    made = Conditioned(Adapter(bottleneck=2), base)
    assert torch.equal(made("a", x), base(x))
    made.stir()
    down, up = (made.own(0).get_parameter(f"update.{name}")[0] for name in ("down", "up"))
    assert (down.shape, up.shape) == ((2, 3), (3, 2))
    torch.testing.assert_close(made("a", x), base(x) + base(x) @ (up @ down).T)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"placement": "beside"}, "`placement` must be 'series' or 'parallel'; found 'beside'"),
        ({"bottleneck": 0}, "`bottleneck` must be at least 1, or None; found 0"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Adapter(**options)
