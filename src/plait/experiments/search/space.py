"""The space of a search: a range or choices for each setting, and a run's settings at one point."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from plait.experiments.config import RunConfig, validate
from plait.experiments.method_options import options_of_methods
from plait.experiments.search.dimension import DIGITS, Dimension
from plait.experiments.search.places import METHODS, laid, own_options, value_at

WEIGHT = "weights."  # before the name of a task: its static weight relative to the first task's


@dataclass(frozen=True)
class Space:
    """The ranges and the choices of the settings that a search is over.

    Attributes:
        dimensions: one for each setting; of static weights, one for each task but the first: the
            ratio of its weight to the first one's.
        weights: `{task: weight}` of the settings that a search starts from, where it is over
            static weights; empty otherwise.
        absent: tasks of the problem that are not trained, where it is over static weights.
    """

    dimensions: tuple[Dimension, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    absent: tuple[str, ...] = ()

    def config(self, base: RunConfig, point: Mapping[str, Any]) -> RunConfig:
        """Returns the settings of a run at one point of the space.

        An option of a method that is not chosen there has no effect. Static weights are

            w_t = v_t r_t T / sum_s v_s r_s

        of mean 1 over the T tasks, where v_t are those of `base` and r_t the ratios (r_1 = 1).

        Args:
            base: the settings that the search starts from.
            point: `{key: label}`, of all dimensions.

        Raises:
            ConfigError: a value that a setting cannot take.
        """
        settings = base.described()
        for each in sorted(self.dimensions, key=lambda each: each.key.count(".")):
            if each.key.startswith(WEIGHT) or not self._applies(each.key, settings):
                continue
            settings = laid(settings, each.key, each.value(point[each.key]))
        if self.weights:
            settings["tasks"] = self._weighted(base, point)
        return validate(settings)

    def at(self, shares: Collection[float]) -> dict[str, Any]:
        """Returns the point at shares of the way through each dimension, 0 to 1 (without 1)."""
        pairs = zip(self.dimensions, shares, strict=True)
        return {each.key: each.at(share) for each, share in pairs}

    def point_of(self, base: RunConfig) -> dict[str, Any] | None:
        """Returns the point where some settings are; None if they lie outside of the space.

        A weight decay of 0 lies outside of a range of ratios.
        """
        settings = base.described()
        known = {each.key: each.value for each in own_options(settings)}
        found = {}
        for each in self.dimensions:
            value = 1.0 if each.key.startswith(WEIGHT) else value_at(settings, each.key)
            found[each.key] = each.label(known.get(each.key, value))
        return None if None in found.values() else found

    @property
    def size(self) -> float:
        """The number of its points; infinite unless all are choices and integers."""
        return math.prod(each.size for each in self.dimensions)

    def described(self) -> list[str]:
        """Returns a line for each dimension, those of the weights as one."""
        own = [str(each) for each in self.dimensions if not each.key.startswith(WEIGHT)]
        ratios = [each for each in self.dimensions if each.key.startswith(WEIGHT)]
        if ratios:
            ranges = str(ratios[0]).partition(": ")[2]
            first, *others = self.weights
            own.append(f"weights of {', '.join(others)} relative to that of {first}: {ranges}")
        return own

    def _applies(self, key: str, settings: Mapping[str, Any]) -> bool:
        """Whether settings name a method that has an option, where the method is searched too."""
        head = key.partition(".")[0]
        searched = any(each.key == head for each in self.dimensions)
        if head == key or head not in METHODS or not searched:
            return True
        return key in {each.key for each in options_of_methods(head, settings, None)}

    def _weighted(self, base: RunConfig, point: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the settings of the tasks with static weights."""
        raw = {
            task: weight * float(point.get(f"{WEIGHT}{task}", 1.0))
            for task, weight in self.weights.items()
        }
        scale = len(raw) / sum(raw.values())
        given = base.tasks if isinstance(base.tasks, Mapping) else {}
        found: dict[str, Any] = {**given, **dict.fromkeys(self.absent)}
        for task, weight in raw.items():
            own = given.get(task) or {}
            own = {"kind": own} if isinstance(own, str) else dict(own)
            found[task] = {**own, "weight": float(f"{scale * weight:.{DIGITS + 1}g}")}
        return found
