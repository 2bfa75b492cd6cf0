"""`resamples.json`: the metrics of a run on resamples of its test part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plait.core.typed_json import read_typed_if_there, write_typed
from plait.runs.folder import RESAMPLES


@dataclass(frozen=True, kw_only=True)
class Resamples:
    """The metrics of one network on resamples of its test part.

    A resample draws as many units of the test part as it has, with replacement; resample b of two
    networks that were tested on the same rows is of the same draw.

    Attributes:
        draws: the number of resamples, B.
        of: what a unit is, "rows" or "groups".
        units: `{task: units with a label of it}`; of more than 500, the blocks that were drawn.
        metrics: `{task: {metric: B values}}`; NaN where a resample does not define the metric.
    """

    draws: int
    of: str
    units: dict[str, int]
    metrics: dict[str, dict[str, list[float]]]

    def __post_init__(self) -> None:
        if self.of not in ("rows", "groups"):
            raise ValueError(f"`of` must be 'rows' or 'groups'; found {self.of!r}.")
        if list(self.units) != list(self.metrics):
            raise ValueError("`units` and `metrics` must be of the same tasks.")
        for task, metrics in self.metrics.items():
            for name, values in metrics.items():
                if len(values) != self.draws:
                    raise ValueError(
                        f"`metrics` {task}/{name} must have {self.draws} values, one for each "
                        f"draw; found {len(values)}."
                    )


def write_resamples(folder: Path, resamples: Resamples) -> None:
    """Writes `resamples.json` into a run folder, atomically."""
    write_typed(folder / RESAMPLES, resamples)


def read_resamples(folder: Path) -> Resamples | None:
    """Reads `resamples.json` of a run folder; returns None if the run has none.

    Raises:
        DataError: the file is damaged.
    """
    return read_typed_if_there(Resamples, folder / RESAMPLES, hint="Train the run again.")
