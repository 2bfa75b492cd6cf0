"""Shares by a root of the sizes: the rule of the field, p_i ~ (n_i / N)^(1 / tau)."""

import math

import pytest

from plait.core.errors import ConfigError
from plait.data.mixing import EqualShares, Proportional, Temperature
from tests.data.mixing.sizes import COUNTS, sizes


@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0, 3.3, 100.0])
def test_shares_follow_the_rule(tau: float) -> None:
    total = sum(COUNTS.values())
    roots = {name: (count / total) ** (1 / tau) for name, count in COUNTS.items()}
    expected = {name: root / sum(roots.values()) for name, root in roots.items()}
    assert Temperature(tau).shares_of(sizes()) == pytest.approx(expected, rel=1e-12)


def test_the_ends_are_proportional_and_equal_shares() -> None:
    of = sizes()
    assert Temperature(1).shares_of(of) == pytest.approx(Proportional().shares_of(of))
    assert Temperature(math.inf).shares_of(of) == pytest.approx(EqualShares().shares_of(of))
    cold = Temperature(1e-9).shares_of(of)
    assert cold == {"large": 1.0, "middle": 0.0, "small": 0.0}


@pytest.mark.parametrize("tau", [0, -1.0, math.nan])
def test_a_temperature_is_above_zero(tau: float) -> None:
    with pytest.raises(ConfigError, match="`tau` of Temperature must be above 0"):
        Temperature(tau)
