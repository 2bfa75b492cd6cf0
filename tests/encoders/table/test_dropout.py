"""Shares of units that are left out."""

import pytest

from plait.core.errors import ConfigError
from plait.encoders import TabularEncoder, TabularMLP
from plait.encoders.table import dropout_of
from tests.encoders.tables import mixed


def test_it_is_a_layer_of_torch() -> None:
    assert dropout_of(0.25).p == 0.25


@pytest.mark.parametrize("share", [-0.1, 1.0, 3])
def test_a_share_outside_of_its_range_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="`dropout` must be at least 0 and below 1"):
        dropout_of(share)
    for build in (TabularMLP, TabularEncoder):
        with pytest.raises(ConfigError, match="dropout"):
            build(mixed(), dropout=share)
