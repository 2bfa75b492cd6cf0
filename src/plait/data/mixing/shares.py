"""Shares that the user states."""

from __future__ import annotations

import math
from collections.abc import Mapping

from plait.core.errors import ConfigError, unknown
from plait.data.mixing.base import Sizes
from plait.data.mixing.bases.drawn import Drawn

ROUNDING = 1e-6  # by which stated shares may miss 1


class Shares(Drawn):
    """Draws sources by shares of the examples that are stated.

    A source that ends before the epoch is an error, since its share could not be kept.

    Args:
        shares: `{source: p_i}`, one for each source, above 0; they add up to 1.

    Raises:
        ConfigError: a share is not above 0, or they do not add up to 1.

    Raises (in a mixture):
        ConfigError: a source has no share, or a share no source.

    Example:
        >>> from plait.data.mixing.base import Size
        >>> Shares({"a": 0.9, "b": 0.1}).shares_of({"a": Size(5, 1, 5), "b": Size(500, 100, 5)})
        {'a': 0.9, 'b': 0.1}
    """

    strict = True

    def __init__(self, shares: Mapping[str, float]) -> None:
        numbers = [each for each in shares.values() if isinstance(each, int | float)]
        total = math.fsum(numbers)
        if len(numbers) < len(shares) or any(not each > 0 for each in numbers):
            raise ConfigError(
                f"each share must be a number above 0; found {dict(shares)}. Leave out a source "
                "that is not wanted."
            )
        if not math.isclose(total, 1, abs_tol=ROUNDING):
            raise ConfigError(
                f"the shares of a mixture must add up to 1; found {total:g} from {dict(shares)}. "
                "Divide each by their sum."
            )
        self.shares = dict(shares)

    def shares_of(self, sizes: Sizes) -> dict[str, float]:
        """Returns the stated shares.

        Raises:
            ConfigError: a source has no share, or a share no source.
        """
        for name in self.shares:
            if name not in sizes:
                raise ConfigError(unknown("source of `shares`", name, sizes))
        missing = [name for name in sizes if name not in self.shares]
        if missing:
            raise ConfigError(
                f"`shares` must have each source; {', '.join(missing)} has none. Give it a share, "
                "or leave the source out."
            )
        return {name: float(self.shares[name]) for name in sizes}
