"""A published table: what is trained, and the figures of its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plait.experiments.baselines.classical import Model

PLAIN: Mapping[str, Any] = {
    "sharing": "Hard",
    "balancing": "Equal",
    "regularization": None,
    "connections": None,
}
"""The plain joint network, from which a row differs in what it names."""

SINGLE = "single"  # the row of the networks of one task each, which every comparison has


@dataclass(frozen=True, kw_only=True)
class Column:
    """A figure that is compared.

    Attributes:
        title: of the column.
        task: its task; "" for the mean over all tasks.
        metric: its metric.
        split: "test", or "validation" where the source has measured there.
        factor: from the metric to the column; 100 for per cent.
    """

    title: str
    task: str
    metric: str
    split: str = "test"
    factor: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table: a network of all tasks, or models of scikit-learn.

    Attributes:
        name: short and unique; "single" is that of the networks of one task each.
        title: as the source has it.
        published: its figures, one for each column; empty where the source has none.
        settings: laid on those of the table, of a network.
        model: of scikit-learn, in place of a network.
    """

    name: str
    title: str
    published: tuple[float, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: Model | None = None


@dataclass(frozen=True, kw_only=True)
class PublishedTable:
    """A published table.

    Attributes:
        name: of the command line.
        title: in full.
        source: authors, title, venue and year, and where its figures were read.
        settings: of the joint networks.
        full: laid on them by `--full`, for the length of the source; empty where it is the default.
        length: how long is trained, and with `--full`, in words.
        rows: of the table.
        columns: of the table.
        within: a mean this near to the published figure, or nearer, is as published.
        differs: what is not as in the source, in sentences.
    """

    name: str
    title: str
    source: str
    settings: Mapping[str, Any]
    full: Mapping[str, Any] = field(default_factory=dict)
    length: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    within: float
    differs: tuple[str, ...]

    def __post_init__(self) -> None:
        names = [row.name for row in self.rows]
        wrong = [row.name for row in self.rows if len(row.published) not in (0, len(self.columns))]
        if SINGLE not in names or len(set(names)) < len(names) or wrong:
            raise ValueError(f"the rows of the table {self.name!r} do not fit: {wrong or names}.")
