"""The table of the epochs, which grows by a line after each of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plait.core.many import MANY, main_skills
from plait.core.sentences import listed
from plait.evaluation.evaluator import Evaluation
from plait.runs.undefined import UNDEFINED

WIDTH = 8  # of a number, such as 1.23e-05
MOST_TASKS = 8
MOST_NAMED = 12  # of the tasks that have no columns
OF_MANY = (
    "of {} tasks; loss: against that of the first epoch; skill: 0 is the trivial predictor, 1 is "
    "perfect; all metrics are in plait report FOLDER --csv"
)


class Cell(NamedTuple):
    """One cell of a line: the two lines of its column's head, and the value."""

    above: str
    below: str
    value: str


class EpochTable:
    """Prints one line for each epoch, with the head of the table above the first.

    Of the tasks, as many are shown as the console is wide, eight at most. Of more than 32 tasks
    there are the worst, the median and the best: loss against that of the first epoch, and skill.

    Args:
        console: where to.
        title: what is trained; above the head.
    """

    def __init__(self, console: Console, title: str = "") -> None:
        self.console = console
        self.title = title
        self._head = True
        self._tasks: list[str] = []  # in the order of the columns
        self._first: dict[str, float] = {}  # mean losses of the first epoch that has them

    def add(
        self,
        epoch: str,
        seconds: float,
        losses: Mapping[str, float],
        evaluation: Evaluation | None,
        score: tuple[str, float] | None,
    ) -> None:
        """Prints the line of an epoch.

        Args:
            epoch: its number, such as "3/8".
            seconds: since the start.
            losses: `{task: mean loss}` of the epoch.
            evaluation: of the validation data; the first metric of each task is shown.
            score: name and value of the rule's score.
        """
        metrics = {} if evaluation is None else evaluation.metrics
        # Losses come in the order of the labels, which may be another one in each epoch
        tasks = self._tasks = list(dict.fromkeys([*self._tasks, *metrics, *losses]))
        start = [Cell("", "epoch", epoch)]
        end = []
        if score is not None:
            shown_score = UNDEFINED if math.isnan(score[1]) else f"{score[1]:.4f}"
            end.append(Cell("score", f"({score[0]})", shown_score))
        end.append(Cell("", "time", f"{seconds:.0f} s"))
        self._first = {**losses, **self._first}
        if len(tasks) > MANY:
            self._print([*start, *self._many(losses, evaluation), *end])
            if self._head:
                self.console.print(Text(OF_MANY.format(len(tasks))), soft_wrap=True)
            self._head = False
            return
        shown = [_cells(task, losses, metrics) for task in tasks]
        fitting = shown[:MOST_TASKS]
        while len(fitting) > 1 and _width([*start, *chain(*fitting), *end]) > self.console.width:
            fitting.pop()
        self._print([*start, *chain(*fitting), *end])
        if self._head and len(fitting) < len(tasks):
            more = listed(tasks[len(fitting) :], MOST_NAMED)
            self.console.print(Text(f"not shown: {more}"), soft_wrap=True)
        self._head = False

    def _many(self, losses: Mapping[str, float], evaluation: Evaluation | None) -> list[Cell]:
        """Returns the worst, the median and the best loss and skill over the tasks."""
        first = self._first
        ratios = [loss / first[task] for task, loss in losses.items() if first[task] > 0]
        found = _three("loss", ratios, lower=True)
        if evaluation is not None:
            known = evaluation.metrics, evaluation.trivial, evaluation.higher_is_better
            found += _three("skill", main_skills(*known).values(), lower=False)
        return found

    def _print(self, cells: Sequence[Cell]) -> None:
        title = Text(self.title) if self._head and self.title else None
        table = Table(
            box=None,
            pad_edge=False,
            collapse_padding=True,
            show_header=self._head,
            title=title,
            title_justify="left",
        )
        for cell in cells:
            head = Text(f"{cell.above}\n{cell.below}")
            table.add_column(head, justify="right", no_wrap=True, min_width=_column(cell))
        table.add_row(*(Text(cell.value) for cell in cells))
        self.console.print(table, crop=False)


def _cells(
    task: str, losses: Mapping[str, float], metrics: Mapping[str, Mapping[str, float]]
) -> list[Cell]:
    """Returns the loss of a task and its first metric on the validation data."""
    loss = _number(losses[task]) if task in losses else ""
    main = list(metrics.get(task, {}).items())[:1]
    return [
        Cell(task, "loss", loss),
        *(Cell("val", name, _number(value)) for name, value in main),
    ]


def _three(what: str, values: Iterable[float], *, lower: bool) -> list[Cell]:
    """Returns the worst, the median and the best of some numbers; empty cells of none."""
    known = sorted((value for value in values if math.isfinite(value)), reverse=lower)
    places = {"worst": 0, "median": len(known) // 2, "best": -1}
    return [Cell(what, name, _number(known[at]) if known else "") for name, at in places.items()]


def _number(value: float) -> str:
    """Returns a number with four digits; with three where four are too wide for a column."""
    if math.isnan(value):
        return UNDEFINED
    shown = f"{value:.4g}"
    return shown if len(shown) <= WIDTH else f"{value:.3g}"


def _column(cell: Cell) -> int:
    """Returns the width of a column; that of its numbers changes from epoch to epoch."""
    least = WIDTH if cell.below not in ("epoch", "time") else len("100/100")
    return max(len(cell.above), len(cell.below), len(cell.value), least)


def _width(cells: Sequence[Cell]) -> int:
    return sum(_column(cell) + 1 for cell in cells)
