"""The rows of the table of metrics for many tasks: quantiles, and which tasks are named."""

from __future__ import annotations

from collections.abc import Iterator

from plait.core.many import (
    MANY,
    QUANTILES,
    main_skills,
    quantile_name,
    quantiles,
    worst_and_best,
)
from plait.reports.read.run import Run
from plait.reports.words.text import MISSING, arrow, number
from plait.runs.events import Evaluated

EACH = 8  # of the tasks with the least skill, and of those with the most
MOST_METRICS = 6  # with rows of their own, those that most tasks have


def extremes(shown: Evaluated) -> tuple[list[str], list[str]]:
    """Returns the tasks with the least skill and those with the most, the best last.

    Where the log does not tell the skill, it is the main metric in its direction.
    """
    scores = main_skills(shown.metrics, shown.trivial, shown.higher_is_better)
    if all(score != score for score in scores.values()):
        main = {task: next(iter(metrics)) for task, metrics in shown.metrics.items() if metrics}
        scores = {
            task: shown.metrics[task][name] * (1.0 if shown.direction(task, name) else -1.0)
            for task, name in main.items()
        }
    return worst_and_best(scores, EACH)


def quantile_rows(shown: Evaluated, best: Evaluated | None) -> Iterator[list[str]]:
    """Yields five rows for each metric that several tasks have, each column by itself.

    The columns: which quantile, metric, value, trivial predictor, against it, with `best` the value
    there, labels.

    Args:
        shown: the evaluation.
        best: that of the best epoch, if it is another one.
    """
    having: dict[str, list[str]] = {}
    for task, metrics in shown.metrics.items():
        for metric in metrics:
            having.setdefault(metric, []).append(task)
    for metric in sorted(having, key=lambda name: -len(having[name]))[:MOST_METRICS]:
        tasks = having[metric]
        if len(tasks) < 2:
            return
        columns = [_values(shown.metrics, tasks, metric), _values(shown.trivial, tasks, metric)]
        columns += [] if best is None else [_values(best.metrics, tasks, metric)]
        columns += [quantiles(shown.counts.get(task, 0) for task in tasks)]
        name = arrow(metric, shown.direction(tasks[0], metric))
        for place, share in enumerate(QUANTILES):
            value, trivial, *beside, labels = (column[place] for column in columns)
            title = f"{quantile_name(share)} of {len(tasks)} tasks"
            row = [title, name, number(value), number(trivial), MISSING]
            yield [*row, *map(number, beside), f"{labels:,.0f}"]


def _values(scores: dict[str, dict[str, float]], tasks: list[str], metric: str) -> list[float]:
    return quantiles(scores.get(task, {}).get(metric, float("nan")) for task in tasks)


def note_of(run: Run) -> str:
    """Returns a sentence on the table of metrics where it does not have all tasks; else ""."""
    shown = run.test or run.best
    if shown is None or len(shown.metrics) <= MANY:
        return ""
    worst, best = extremes(shown)
    return (
        f"Of {len(shown.metrics)} tasks: quantiles, each column by itself; then the {len(worst)} "
        f"tasks with the least skill and the {len(best)} with the most (0 is the trivial "
        "predictor, 1 is perfect). The numbers of all are in plait report FOLDER --csv."
    )
