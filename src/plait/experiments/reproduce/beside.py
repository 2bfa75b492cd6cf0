"""Our figures beside those of the source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from plait.experiments.reproduce.published import Column, PublishedTable, Row
from plait.runs.comparison_member import SeedScores
from plait.runs.reproduced import Agreement, Figures, ReproducedRow


def beside(
    table: PublishedTable, row: Row, scores: Mapping[str, SeedScores], seeds: int, failed: str = ""
) -> ReproducedRow:
    """Returns a row of the table.

    Args:
        table: the published one.
        row: of it.
        scores: ours, `{split: {task: {metric: values per seed}}}`.
        seeds: how many there are.
        failed: why there are no figures, or not all.
    """
    published = row.published or (math.nan,) * len(table.columns)
    figures = [
        _figures(values(column, scores.get(column.split, {}), seeds), theirs, table.within)
        for column, theirs in zip(table.columns, published, strict=True)
    ]
    return ReproducedRow(name=row.name, title=row.title, figures=figures, failed=failed)


def values(column: Column, scores: SeedScores, seeds: int) -> list[float]:
    """Returns the figures of a column, one per seed; NaN where one is not known.

    The mean over all tasks is NaN where one of them has no value.
    """
    own = [scores.get(column.task, {})] if column.task else list(scores.values())
    lists = [each.get(column.metric, [math.nan] * seeds) for each in own]
    if not lists:
        return [math.nan] * seeds
    return [column.factor * fmean(each[place] for each in lists) for place in range(seeds)]


def _figures(ours: Sequence[float], published: float, within: float) -> Figures:
    agreement = _agreement(ours, published, within)
    return Figures(ours=list(ours), published=published, agreement=agreement)


def _agreement(ours: Sequence[float], published: float, within: float) -> Agreement:
    difference = fmean(ours) - published
    if math.isnan(published):
        return ""
    if math.isnan(difference):
        return "failed"
    if abs(difference) <= within:
        return "as published"
    return "above" if difference > 0 else "below"
