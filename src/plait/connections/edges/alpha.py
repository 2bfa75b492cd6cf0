"""The strength alpha of each edge of the tasks' graph: fixed, scheduled or learned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from plait.connections.edges.graph import Edge, written
from plait.core.errors import ConfigError, unknown
from plait.core.outputs import Term
from plait.core.watched import Watched
from plait.networks.scheduled import Scheduled

Use = Literal["gate", "penalty"]
AlphaLike = float | str | Sequence[float] | Mapping[str, Any]
SCHEDULE = ("begin", "end", "start", "stop", "shape")


class Alpha(nn.Module, Scheduled):
    """One number for each edge.

    A fixed 0 is off: whoever asks `off` runs nothing on that edge, and training is bit for bit that
    without it. What is learned differs by use. A gate on a signal is a plain parameter. The weight
    of a penalty C >= 0 would be driven to 0 by the objective itself, so it is learned with its log
    term, as the precision of a Gaussian:

        alpha C - log(alpha) / 2,    least at alpha = 1 / (2 C)

    with log(alpha) as the parameter, which keeps alpha positive.

    Args:
        alpha: a number for all edges; a list of them in the order of the edges; `{"s -> t":
            number}` (others 0); "learned" (from 1), or `{"learned": any of these}`; or a schedule
            `{"start": 0, "stop": 1, "begin": 0, "end": 0.5, "shape": "linear"}`: from `start` at
            share `begin` of the training to `stop` at share `end`, along a line or a half cosine.
        edges: the edges.
        use: "gate" or "penalty".

    Raises:
        ConfigError: anything else, a number that is not finite, or, as the weight of a penalty, a
            negative one.

    Reference (learned weights of penalties): Kendall, Gal, Cipolla, "Multi-Task Learning Using
        Uncertainty to Weigh Losses for Scene Geometry and Semantics", CVPR 2018.
    """

    decays = False  # weight decay would pull it to 0
    progress: Tensor

    def __init__(self, alpha: AlphaLike, edges: Sequence[Edge], use: Use) -> None:
        super().__init__()
        self.edges = tuple(edges)
        self.use: Use = use
        self.schedule: dict[str, Any] | None = None
        self.learned: nn.Parameter | None = None
        self.fixed: tuple[float, ...] = ()
        self.register_buffer("progress", torch.zeros(()))
        if alpha == "learned":
            alpha = {"learned": 1.0}
        if isinstance(alpha, Mapping) and set(alpha) == {"learned"}:
            self.learned = self._first(alpha["learned"])
        elif isinstance(alpha, Mapping) and {"start", "stop"} & set(alpha):
            self.schedule = self._scheduled(alpha)
        else:
            self.fixed = self._checked(self._numbers(alpha))

    def set_progress(self, progress: float) -> None:
        """Moves a schedule on."""
        self.progress.fill_(progress)

    def off(self, edge: Edge) -> bool:
        """Returns whether the edge counts for nothing, now and for ever."""
        return bool(self.fixed) and self.fixed[self.edges.index(edge)] == 0.0

    def value(self, edge: Edge) -> float | Tensor:
        """Returns alpha of an edge."""
        position = self.edges.index(edge)
        if self.learned is not None:
            one = self.learned[position]
            return one.exp() if self.use == "penalty" else one
        if self.schedule is not None:
            return self._at(float(self.progress))
        return self.fixed[position]

    def weigh(self, edge: Edge, cost: Tensor) -> Term:
        """Returns the term of an edge: C, and alpha C with its log term if alpha is learned."""
        scaled = self.value(edge) * cost
        if self.learned is not None:
            scaled = scaled - self.learned[self.edges.index(edge)] / 2
        return Term(cost, scaled)

    def watched(self, title: str) -> dict[str, Watched]:
        """Returns alpha of each edge, if it changes."""
        if self.learned is None and self.schedule is None:
            return {}
        rows = {written(edge): torch.as_tensor(self.value(edge)).detach() for edge in self.edges}
        return {title: Watched(rows)}

    def _first(self, alpha: Any) -> nn.Parameter | None:
        """Returns the parameter; None where there is no edge, since it would never learn."""
        first = self._checked(self._numbers(alpha))
        if self.use == "penalty" and any(number == 0 for number in first):
            raise ConfigError(f"a learned `alpha` must begin above 0; found {list(first)}.")
        values = torch.tensor(first)
        values = values.log() if self.use == "penalty" else values
        return nn.Parameter(values) if first else None

    def _numbers(self, alpha: Any) -> list[Any]:
        if isinstance(alpha, str):
            raise ConfigError(
                f"`alpha` must be a number, 'learned' or a schedule; found {alpha!r}."
            )
        if isinstance(alpha, Mapping):
            known = {written(edge): edge for edge in self.edges}
            for name in alpha:
                if name not in known:
                    raise ConfigError(unknown("edge of `alpha`", name, known))
            return [alpha.get(name, 0.0) for name in known]
        if isinstance(alpha, Sequence):
            if len(alpha) != len(self.edges):
                raise ConfigError(
                    f"`alpha` must have one number for each of the {len(self.edges)} edges "
                    f"({', '.join(map(written, self.edges))}); found {len(alpha)}."
                )
            return list(alpha)
        return [alpha] * len(self.edges)

    def _checked(self, numbers: Sequence[Any]) -> tuple[float, ...]:
        for number in numbers:
            plain = isinstance(number, int | float) and not isinstance(number, bool)
            finite = plain and math.isfinite(number)
            if not finite or (self.use == "penalty" and number < 0):
                rule = "at least 0" if self.use == "penalty" else "a finite number"
                raise ConfigError(f"`alpha` must be {rule}; found {number!r}.")
        return tuple(map(float, numbers))

    def _scheduled(self, alpha: Mapping[str, Any]) -> dict[str, Any]:
        for key in alpha:
            if key not in SCHEDULE:
                raise ConfigError(unknown("key of the schedule of `alpha`", key, SCHEDULE))
        full = {"start": 0.0, "stop": 1.0, "begin": 0.0, "end": 1.0, "shape": "linear", **alpha}
        self._checked([full[key] for key in ("start", "stop", "begin", "end")])
        if not 0 <= full["begin"] <= full["end"] <= 1:
            raise ConfigError(
                "a schedule of `alpha` needs 0 <= begin <= end <= 1; found "
                f"{full['begin']} and {full['end']}."
            )
        if full["shape"] not in ("linear", "cosine"):
            raise ConfigError(
                f"`shape` of a schedule must be 'linear' or 'cosine'; found {full['shape']!r}."
            )
        return full

    def _at(self, progress: float) -> float:
        assert self.schedule is not None
        begin, end = self.schedule["begin"], self.schedule["end"]
        share = 1.0 if progress >= end else max(progress - begin, 0.0) / max(end - begin, 1e-12)
        if self.schedule["shape"] == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        start, stop = float(self.schedule["start"]), float(self.schedule["stop"])
        return start + (stop - start) * share
