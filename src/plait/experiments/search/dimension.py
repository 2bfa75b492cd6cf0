"""One dimension of a search: a range of numbers, or a list of choices."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plait.core.extras import need

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

DIGITS = 3  # of a number that a search has drawn, so that people can read its settings


@dataclass(frozen=True)
class Numbers:
    """All numbers from `low` to `high`.

    Attributes:
        key: the setting, such as "optimizer.lr".
        low: the least number.
        high: the greatest.
        log: whether ratios count and not differences: 0.001 to 0.01 is as likely as 0.01 to 0.1.
        whole: whether they are integers.
    """

    key: str
    low: float
    high: float
    log: bool
    whole: bool = False

    def at(self, share: float) -> float:
        """Returns the number at a share of the way from `low` to `high`, 0 to 1 (without 1).

        Example:
            >>> Numbers("optimizer.lr", 1e-4, 1e-2, log=True).at(0.5)
            0.001
            >>> Numbers("sharing.experts", 2, 4, log=False, whole=True).at(0.9)
            4
        """
        low, high = self.low, self.high
        if self.whole:
            low, high = low - 0.5, high + 0.5
        if self.log:
            found = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        else:
            found = low + share * (high - low)
        return self.written(min(max(found, self.low), self.high))

    def written(self, value: float) -> float:
        """Returns a number as settings have it: an integer, or with three digits.

        Raises:
            ValueError: it is no number.
        """
        return round(value) if self.whole else float(f"{value:.{DIGITS}g}")

    @property
    def size(self) -> float:
        """The number of its values; infinite unless they are integers."""
        return self.high - self.low + 1 if self.whole else math.inf

    def label(self, value: Any) -> float | None:
        """Returns the parameter of a study for a value; None for one outside of the range."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if number and self.low <= value <= self.high else None

    def value(self, label: Any) -> float:
        """Returns the value that a parameter of a study stands for."""
        return self.written(label)

    def distribution(self) -> BaseDistribution:
        """Returns the range as Optuna has it."""
        kinds = need("optuna.distributions", extra="app", purpose="A search for settings")
        kind = kinds.IntDistribution if self.whole else kinds.FloatDistribution
        found: BaseDistribution = kind(self.low, self.high, log=self.log)
        return found

    def __str__(self) -> str:
        how = "integers" if self.whole else "log-uniform" if self.log else "uniform"
        return f"{self.key}: {self.low:.{DIGITS}g} to {self.high:.{DIGITS}g}, {how}"


@dataclass(frozen=True)
class Choices:
    """A list of values.

    Attributes:
        key: the setting, such as "balancing".
        values: as a file of settings has them: words, numbers, null, or a method with options.
    """

    key: str
    values: tuple[Any, ...]

    def at(self, share: float) -> str:
        """Returns the name of the choice at a share of the list, 0 to 1 (without 1).

        Example:
            >>> Choices("balancing", ("Equal", {"class": "CAGrad", "c": 0.2})).at(0.7)
            '{"class": "CAGrad", "c": 0.2}'
        """
        return self.labels[int(share * len(self.values))]

    @property
    def labels(self) -> list[str]:
        """The names of the values, by which a study tells them apart."""
        return [_label(value) for value in self.values]

    @property
    def size(self) -> float:
        """The number of its values."""
        return len(self.values)

    def label(self, value: Any) -> str | None:
        """Returns the name of a value; None for one that is not in the list."""
        label = _label(value)
        return label if label in self.labels else None

    def value(self, label: Any) -> Any:
        """Returns the value of a name."""
        return self.values[self.labels.index(label)]

    def distribution(self) -> BaseDistribution:
        """Returns the list as Optuna has it: names, since it takes no mappings."""
        kinds = need("optuna.distributions", extra="app", purpose="A search for settings")
        found: BaseDistribution = kinds.CategoricalDistribution(self.labels)
        return found

    def __str__(self) -> str:
        return f"{self.key}: {', '.join(self.labels)}"


Dimension = Numbers | Choices


def _label(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"class"}:
        value = value["class"]
    return value if isinstance(value, str) else json.dumps(value)
