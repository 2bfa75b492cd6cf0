"""The families of methods: where each lives, what its classes derive from, what they are called."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Family:
    """Methods of one contract, which a configuration names by their class.

    Attributes:
        name: the package below `plait`, such as "balancing"; its `__all__` lists the methods.
        base_name: the class that they all derive from: a name in the package, or `module:Class`.
        noun: one of them, for messages, such as "balancer".
        setting: the key of a run's configuration that names one; None where no key does.
        example: how one is made, for messages; "" where nobody needs one.
    """

    name: str
    base_name: str
    noun: str
    setting: str | None = None
    example: str = ""

    @property
    def package(self) -> ModuleType:
        """The package; imported on first use, so that this table itself needs none of them."""
        return importlib.import_module(f"plait.{self.name}")

    @property
    def home(self) -> str:
        """The name of the module that has the base class."""
        return self.base_name.rpartition(":")[0] or f"plait.{self.name}"

    @property
    def base(self) -> type[Any]:
        """The class that all methods of the family derive from."""
        name = self.base_name.rpartition(":")[2]
        found: type[Any] = getattr(importlib.import_module(self.home), name)
        return found


# A new family is one line here.
FAMILIES = {
    family.name: family
    for family in (
        Family("sharing", "Sharing", "sharing", "sharing", "Hard(encoder)"),
        Family("sharing.conditioning", "Conditioner", "conditioning", "sharing.by", "Film()"),
        Family(
            "regularization",
            "Regularizer",
            "regularizer",
            "regularization",
            "PairwiseL2(strength=0.1)",
        ),
        Family("connections", "Connection", "connection", "connections", "CrossStitch()"),
        Family("balancing", "Balancer", "balancer", "balancing", "UPGrad()"),
        Family("data.mixing", "Policy", "mixing policy", "mixing", "Temperature(tau=2)"),
        Family("tasks", "BaseTask", "task", example='Classification("kind", classes=3)'),
        Family("encoders", "torch.nn:Module", "encoder", "encoder"),
        Family("recipes", "Recipe", "recipe", "recipe"),
    )
}

# Named inside the options of tasks. Nearly all are those of torchmetrics, so no list has them.
METRICS = Family("tasks.metrics", "torchmetrics:Metric", "metric")


def family_of(cls: type[Any]) -> Family | None:
    """Returns the family that a class belongs to: that of its nearest base; None without one.

    Example:
        >>> from plait.balancing import UPGrad
        >>> family_of(UPGrad).noun, family_of(int)
        ('balancer', None)
    """
    # A base whose module is not loaded does not exist yet, so it cannot be one of this class.
    loaded = [each for each in (*FAMILIES.values(), METRICS) if each.home in sys.modules]
    bases = {family.base: family for family in loaded}
    return next((bases[parent] for parent in cls.__mro__ if parent in bases), None)
