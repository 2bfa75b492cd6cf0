"""Shares between those of the sizes and equal ones."""

from __future__ import annotations

import math

from plait.core.errors import ConfigError
from plait.data.mixing.base import Sizes, known_examples
from plait.data.mixing.bases.drawn import Drawn


class Temperature(Drawn):
    """Draws sources by a root of their sizes, so that small ones are seen more than they are large.

        p_i ~ (n_i / N)^(1 / tau)

    n_i are the examples of source i, N those of all. tau = 1 is `Proportional`; the larger tau, the
    nearer to `EqualShares`.

    Args:
        tau: the temperature, above 0; 2 by default.

    Raises:
        ConfigError: `tau` is not above 0.

    Example:
        >>> from plait.data.mixing.base import Size
        >>> Temperature(tau=2).shares_of({"a": Size(900, 30, 30), "b": Size(100, 10, 10)})
        {'a': 0.75, 'b': 0.25}

    Reference: Arivazhagan et al., "Massively Multilingual Neural Machine Translation in the Wild",
        arXiv 1907.05019, 2019.
    """

    def __init__(self, tau: float = 2.0) -> None:
        if not tau > 0:
            raise ConfigError(
                f"`tau` of Temperature must be above 0; found {tau:g}. 1 mixes by size, larger "
                "values bring small sources nearer to the large ones."
            )
        self.tau = tau

    def shares_of(self, sizes: Sizes) -> dict[str, float]:
        """Returns (n_i / N)^(1 / tau), divided by their sum."""
        examples = known_examples(self, sizes)
        largest = max(examples.values())
        # Of the largest source it is 1, whatever tau: no root underflows
        roots = {name: (count / largest) ** (1 / self.tau) for name, count in examples.items()}
        total = math.fsum(roots.values())
        return {name: root / total for name, root in roots.items()}
