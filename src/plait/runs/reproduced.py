"""`reproduced.json`: a published table, with our figures beside those of the source."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from plait.core.typed_json import read_typed, write_typed
from plait.runs.folder import REPRODUCED

Agreement = Literal["as published", "above", "below", "failed", ""]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One cell of the table.

    Attributes:
        ours: one value per seed; NaN where it failed.
        published: of the source; NaN where it has none.
        agreement: whether our mean is as published, within the table's tolerance; "" where the
            source has no figure.
    """

    ours: list[float]
    published: float = math.nan
    agreement: Agreement = ""


@dataclass(frozen=True, kw_only=True)
class ReproducedRow:
    """One row of the table.

    Attributes:
        name: short and unique.
        title: as the source has it.
        figures: one entry per column.
        failed: why there are no figures; "" where there are.
    """

    name: str
    title: str
    figures: list[Figures]
    failed: str = ""


@dataclass(frozen=True, kw_only=True)
class Reproduced:
    """A published table, trained again.

    Attributes:
        name: of the table.
        title: in full.
        source: where the published figures are from.
        differs: what is not as in the source, in sentences.
        length: how long was trained, and whether this is as long as in the source.
        columns: of the table.
        within: a mean this near to the published figure, or nearer, is as published.
        rows: of the table.
        seeds: of the runs.
        command: that has made it.
        seconds: that all runs took; those of an earlier call are counted too.
        settings: of the joint networks.
    """

    name: str
    title: str
    source: str
    differs: list[str]
    length: str
    columns: list[str]
    within: float
    rows: list[ReproducedRow]
    seeds: list[int]
    command: str
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)


def write_reproduced(folder: Path, reproduced: Reproduced) -> None:
    """Writes `reproduced.json` into a folder, atomically."""
    write_typed(folder / REPRODUCED, reproduced)


def read_reproduced(folder: Path) -> Reproduced:
    """Reads `reproduced.json`.

    Raises:
        DataError: it is missing or damaged.
    """
    return read_typed(
        Reproduced, folder / REPRODUCED, hint="Run `plait reproduce` on this folder again."
    )
