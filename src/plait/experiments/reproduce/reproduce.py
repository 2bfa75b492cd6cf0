"""A published table, trained again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plait.experiments.build import open_problem, with_defaults
from plait.experiments.comparison import Member, compare
from plait.experiments.config import RunConfig, validate
from plait.experiments.overrides import merge
from plait.experiments.reproduce.beside import beside
from plait.experiments.reproduce.models import ModelScores, model_scores
from plait.experiments.reproduce.published import SINGLE, PublishedTable
from plait.runs.comparison import Comparison
from plait.runs.comparison_member import MemberResult
from plait.runs.reproduced import Reproduced, ReproducedRow, write_reproduced
from plait.training import Callback

SEEDS = 3


def reproduce(
    table: PublishedTable,
    folder: Path,
    settings: Mapping[str, Any],
    *,
    full: bool = False,
    seeds: int = SEEDS,
    jobs: int = 1,
    command: str = "",
    callbacks: Callable[[str], Sequence[Callback]] = lambda label: (),
    say: Callable[[str], None] = lambda text: None,
) -> Reproduced:
    """Trains all rows of a published table, and writes our figures beside the source's.

    The rows are members of a comparison, so that what is finished is not trained again, and what
    was interrupted goes on: call it again with the same folder. It gets comparison.json, too.

    Args:
        table: the published one.
        folder: for all runs; that of an earlier call may be named again.
        settings: laid on those of the table, such as `{"data": folder}`, or fewer epochs.
        full: train as long as the source.
        seeds: how often all is trained.
        jobs: how many runs are trained at once.
        command: that was called, for the reader.
        callbacks: makes the callbacks of each run from its name.
        say: is told of each run.

    Raises:
        ConfigError: a setting is unknown or has a bad value.
        DataError: the data are missing or damaged.
        RunExistsError: the folder holds runs of other settings.
    """
    wanted = merge(merge(table.settings, table.full if full else {}), settings)
    config = validate(with_defaults(wanted))
    networks = [row for row in table.rows if row.model is None and row.name != SINGLE]
    comparison = compare(
        config,
        folder,
        title=table.title,
        members=[Member(row.name, row.title, settings=row.settings) for row in networks],
        seeds=seeds,
        jobs=jobs,
        callbacks=callbacks,
        say=say,
    )
    models = _models(table, config, comparison.seeds, folder, say)
    reproduced = Reproduced(
        name=table.name,
        title=table.title,
        source=table.source,
        differs=list(table.differs),
        length=_length(table, settings, full=full, seeds=seeds),
        columns=[column.title for column in table.columns],
        within=table.within,
        rows=_rows(table, comparison, models),
        seeds=comparison.seeds,
        command=command,
        seconds=_seconds(comparison, models),
        settings=wanted,
    )
    write_reproduced(folder, reproduced)
    return reproduced


def _models(
    table: PublishedTable,
    config: RunConfig,
    seeds: Sequence[int],
    folder: Path,
    say: Callable[[str], None],
) -> dict[str, ModelScores]:
    """Returns the scores of the models of scikit-learn, `{row: scores}`."""
    wanted = {row.name: row.model for row in table.rows if row.model is not None}
    if not wanted:
        return {}
    problem = open_problem(config)
    found = {}
    for name, model in wanted.items():
        say(f"{name}: scikit-learn's models")
        found[name] = model_scores(config, model, seeds, folder / "models", problem=problem)
    return found


def _rows(
    table: PublishedTable, comparison: Comparison, models: Mapping[str, ModelScores]
) -> list[ReproducedRow]:
    results: dict[str, MemberResult] = {each.name: each for each in comparison.rows_of_table}
    seeds, found = len(comparison.seeds), []
    for row in table.rows:
        if row.model is not None:
            model = models[row.name]
            found.append(beside(table, row, model.scores, seeds, model.failed))
        else:
            own = results[row.name]
            scores = {"test": own.test, "validation": own.validation}
            found.append(beside(table, row, scores, seeds, "; ".join(filter(None, own.failed))))
    return found


def _length(table: PublishedTable, settings: Mapping[str, Any], *, full: bool, seeds: int) -> str:
    """Says how long was trained: as the table says, or what was set otherwise."""
    said = f"as long as the source, {_words(table.full)}" if full and table.full else table.length
    changed = {key: value for key, value in settings.items() if key != "data"}
    if changed:
        said += f"; changed for this run: {_words(changed)}"
    return said if seeds >= SEEDS else f"{said}; {seeds} of {SEEDS} seeds"


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def _seconds(comparison: Comparison, models: Mapping[str, ModelScores]) -> float:
    times = [each.seconds for each in models.values()]
    for member in comparison.rows_of_table:
        times += [seconds for seconds in member.seconds if math.isfinite(seconds)]
    return round(math.fsum(times), 1)
