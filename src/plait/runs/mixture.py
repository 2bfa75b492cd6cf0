"""A mixture of data sets: its lines of the log, and what a terminal says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HEAD = ("source", "examples", "batch size", "share", "steps", "passes")
UNKNOWN = "?"


@dataclass(frozen=True, kw_only=True)
class SourcePlan:
    """The part of an epoch that one of several data sets gives, in the mean where it is drawn.

    Attributes:
        examples: that it has; None for a stream that does not say.
        batch_size: examples in a batch, in the mean; None if nobody knows.
        share: of the epoch's examples, as the policy states it; None if sizes are not known.
        steps: in which it gives a batch.
        passes: how often it is gone through; None if its length is not known.
    """

    examples: int | None
    batch_size: float | None
    share: float | None
    steps: float
    passes: float | None


@dataclass(frozen=True, kw_only=True)
class MixturePlan:
    """The mixing of several data sets, as it was said before the first step.

    Attributes:
        policy: with its options, such as "Temperature(tau=2)".
        steps: of an epoch.
        rule: what an epoch is, in a sentence.
        sources: `{source: its part of an epoch}`.
    """

    event: Literal["mixture"] = "mixture"
    policy: str
    steps: int
    rule: str
    sources: dict[str, SourcePlan]


@dataclass(frozen=True, kw_only=True)
class MixtureSeen:
    """The examples and labels of several data sets that were trained on so far.

    Attributes:
        epoch: epochs that are finished.
        step: steps that are taken.
        examples: `{source: its examples, each time that they were read}`.
        labels: `{task: mass of the labels}`.
        note: why the epoch ended before its steps were done; "" if it did not.
    """

    event: Literal["seen"] = "seen"
    epoch: int
    step: int
    examples: dict[str, int]
    labels: dict[str, float]
    note: str = ""


def mixture_lines(plan: MixturePlan) -> list[str]:
    """Returns a sentence on the epoch of a mixture, and a table with a line for each source.

    Example:
        >>> small = SourcePlan(examples=20, batch_size=10, share=0.5, steps=5, passes=2.5)
        >>> stream = SourcePlan(examples=None, batch_size=10, share=0.5, steps=5, passes=None)
        >>> sources = {"small": small, "stream": stream}
        >>> found = MixturePlan(policy="EqualShares()", steps=10, rule="...", sources=sources)
        >>> print(*mixture_lines(found), sep="\\n")
        mixture of 2 sources by EqualShares(): an epoch has 10 steps: ...
          source  examples  batch size   share  steps  passes
          small         20          10  50.0 %      5     2.5
          stream         ?          10  50.0 %      5       ?
    """
    count = len(plan.sources)
    several = f"{count} source{'' if count == 1 else 's'}"
    rows = [HEAD, *mixture_rows(plan)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = []
    for name, *numbers in rows:
        cells = [each.rjust(width) for each, width in zip(numbers, widths[1:], strict=True)]
        table.append("  ".join(["", name.ljust(widths[0]), *cells]))
    first = f"mixture of {several} by {plan.policy}: an epoch has {plan.steps:,} steps: {plan.rule}"
    return [first, *table]


def mixture_rows(plan: MixturePlan) -> list[tuple[str, ...]]:
    """Returns the cells of each source, under `HEAD`."""
    return [
        (
            name,
            UNKNOWN if each.examples is None else f"{each.examples:,}",
            UNKNOWN if each.batch_size is None else f"{each.batch_size:.4g}",
            UNKNOWN if each.share is None else f"{100 * each.share:.1f} %",
            f"{round(each.steps):,}",
            UNKNOWN if each.passes is None else f"{each.passes:.3g}",
        )
        for name, each in plan.sources.items()
    ]
