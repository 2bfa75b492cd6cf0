"""What a policy asks of the sources."""

import pytest

from plait.core.errors import ConfigError
from plait.data.mixing import Proportional, Shares, Temperature
from plait.data.mixing.base import Size, known_examples


def test_a_policy_is_shown_with_its_options() -> None:
    found = repr(Temperature(tau=3)), repr(Proportional()), repr(Shares({"a": 1.0}))
    assert found == ("Temperature(tau=3)", "Proportional()", "Shares(shares={'a': 1.0})")


def test_unknown_sizes_are_named() -> None:
    with pytest.raises(ConfigError, match=r"Proportional needs .* source 'b' does not say it"):
        known_examples(Proportional(), {"a": Size(4, 1, 4), "b": Size(None, 2, 4)})
