"""One run of many: what is to be trained, and where its folder is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plait.experiments.config import RunConfig


@dataclass(frozen=True)
class RunSpec:
    """A run that is to be done: settings and a folder.

    Attributes:
        config: the settings.
        folder: the run folder; it may hold a part of this very run, or all of it.
        problem: the settings that its data are opened with; None for its own. The runs of a
            comparison have one problem: a table is divided by the labels of all its tasks, so that
            a run of one task alone would else be trained and tested on other rows.
        test: whether the test split is read; a search that chooses among runs leaves it alone.
        resamples: on so many resamples of the test split the metrics are computed as well.
    """

    config: RunConfig
    folder: Path
    problem: RunConfig | None = None
    test: bool = True
    resamples: int = 0

    @property
    def opened_with(self) -> RunConfig:
        """The settings that its data are opened with."""
        return self.config if self.problem is None else self.problem


@dataclass(frozen=True)
class Failure:
    """A run that has failed.

    Attributes:
        reason: in a sentence, or the last line of the error.
        trace: where an error came from that plait has not raised on purpose; empty for one that
            it has.
    """

    reason: str
    trace: str = ""
