"""Charts of the numbers that methods recorded of themselves, such as gates and coefficients."""

from __future__ import annotations

from collections.abc import Mapping

from plait.reports.draw.curves import (
    BY_SIZE,
    MOST_CURVES,
    MOST_PANELS,
    Chart,
    curve_table,
    many_panel,
    some_of,
    summary,
    window,
)
from plait.reports.draw.heatmap import draw_cells, is_wide, rows_of_panels, scale_of
from plait.reports.draw.plot import draw_lines, line
from plait.reports.draw.style import Look, Panel, looks
from plait.reports.draw.tables import MOST_ROWS, Table
from plait.reports.read.history import History, histories
from plait.reports.read.series import Series, largest
from plait.reports.words.text import number
from plait.runs import WatchedValues

MOST_CELLS = 64  # rows, and columns, of a heat map
_MOST_WORDS = 12  # rows that the description of a heat map reads out
_POINTS = 150  # of a line in a small panel
_RECORD = "record"


def inside_charts(
    watched: list[WatchedValues], looks_of: Mapping[str, Look], ident: str = "inside"
) -> list[Chart]:
    """Draws a chart for each title that was watched; returns an empty list if nothing was.

    Args:
        watched: what the methods recorded of themselves, in order.
        looks_of: how each task is drawn; rows and columns that are tasks are drawn so.
        ident: begins the charts' names in the page.
    """
    return [
        (_matrix_chart if history.columns else _number_chart)(f"{ident}-{i}", history, looks_of)
        for i, history in enumerate(histories(watched))
    ]


def _number_chart(ident: str, history: History, looks_of: Mapping[str, Look]) -> Chart:
    """Draws rows that are one number each: as curves in one panel."""
    found = {row: history.curve(row) for row in history.last}
    curves = {row: curve for row, curve in found.items() if curve.x}
    if not curves:
        return Chart(ident, history.title, missing="No value that was recorded is finite.")
    drawn = largest(curves, MOST_CURVES)
    caption = window(list(drawn.values()), _RECORD)
    caption += some_of(len(drawn), len(curves), f"rows, {BY_SIZE}")
    panel = many_panel(f"{ident}-0", drawn, _looks(list(drawn), looks_of))
    tables = [curve_table("Step", drawn, history.title)]
    if len(drawn) < len(curves):
        listed = largest(curves, MOST_ROWS)
        rows = [
            [row, *map(number, (curve.y[0], curve.y[-1], min(curve.y), max(curve.y)))]
            for row, curve in listed.items()
        ]
        head = ["Row", "First", "Last", "Least", "Greatest"]
        tables.append(Table(head, rows, f"{history.title}, all rows"))
    return Chart(ident, history.title, caption, [panel], tables)


def _matrix_chart(ident: str, history: History, looks_of: Mapping[str, Look]) -> Chart:
    """Draws rows with columns: the last state as a heat map, and each row's way there."""
    rows, columns = _shown(history)
    state = [[history.last[row].get(column) for column in columns] for row in rows]
    table = Table(
        ["", *columns],
        [[row, *map(number, values)] for row, values in zip(rows, state, strict=True)],
        f"{history.title}, last values",
    )
    panels = [_heat_map(f"{ident}-0", history, rows, columns, state)]
    moved = _moved(history, MOST_PANELS)
    drawn = [row for row in history.last if row in moved and len(history.events) > 1]
    common = _looks(history.columns, looks_of) if len(history.columns) <= MOST_CURVES else {}
    over_time: dict[str, Series] = {}
    for index, row in enumerate(drawn, start=1):
        found = {column: history.curve(row, column) for column in history.columns}
        curves = largest({c: curve for c, curve in found.items() if curve.x}, MOST_CURVES)
        if curves:
            panel = _row_panel(f"{ident}-{index}", row, curves, history.shares, looks_of, common)
            panels.append(panel)
        over_time |= {f"{row}: {column}": curve for column, curve in curves.items()}
    caption = _caption(history, state, drawn, over_time)
    tables = [table]
    if over_time:
        tables.append(curve_table("Step", over_time, f"{history.title}, over the steps"))
    legend = common if over_time else {}
    return Chart(ident, history.title, caption, panels, tables, legend)


def _moved(history: History, most: int) -> set[str]:
    """Returns the rows that changed most, the first of equal ones."""
    travel = history.travel()
    return set(sorted(travel, key=lambda row: -travel[row])[:most])


def _shown(history: History) -> tuple[list[str], list[str]]:
    """Returns the rows and columns of the heat map; where rows are columns, the same of both."""
    moved = _moved(history, MOST_CELLS)
    rows = [row for row in history.last if row in moved]
    columns = history.columns
    if len(columns) > MOST_CELLS and moved <= set(columns):
        columns = [column for column in columns if column in moved]
    return rows, columns[:MOST_CELLS]


def _heat_map(
    ident: str,
    history: History,
    rows: list[str],
    columns: list[str],
    state: list[list[float | None]],
) -> Panel:
    scale = scale_of([value for row in state for value in row], shares=history.shares)
    words = [
        f"{row}: "
        + ", ".join(f"{c} {scale.written(v)}" for c, v in zip(columns, values, strict=True))
        for row, values in zip(rows[:_MOST_WORDS], state, strict=False)
        if len(columns) <= _MOST_WORDS
    ]
    rest = "" if len(words) == len(rows) else f" {len(rows)} rows are in the table."
    plot = draw_cells(ident, rows, columns, state, scale)
    described = f"Last values. {'; '.join(words)}{'.' if words else ''}{rest}"
    wide = is_wide(len(columns))
    high = 1 if wide else rows_of_panels(len(rows), len(columns))
    return Panel("Last values", None, plot, described, wide=wide, rows=high)


def _row_panel(
    ident: str,
    row: str,
    curves: Mapping[str, Series],
    shares: bool,
    looks_of: Mapping[str, Look],
    common: Mapping[str, Look],
) -> Panel:
    """Draws a row over the steps; its legend stands over all panels where they have one."""
    known = common or _looks(list(curves), looks_of)
    traces = [
        line(
            curve.smoothed(_POINTS),
            known[column],
            name=column,
            marks="circle" if len(curve.x) == 1 else "",
        )
        for column, curve in curves.items()
    ]
    plot = draw_lines(ident, traces, x="step", legend=not common, shares=shares)
    words = [summary(column, curve, "step") for column, curve in curves.items()]
    return Panel(row, None, plot, f"{row}. {' '.join(words)}")


def _caption(
    history: History,
    state: list[list[float | None]],
    drawn: list[str],
    over_time: Mapping[str, Series],
) -> str:
    values = [value for row in state for value in row]
    rows, columns = len(history.last), len(history.columns)
    text = "Each row is shares of one whole. " if history.shares else ""
    if any(value is not None and value < 0 for value in values):
        text += "Blue is above zero, orange below. "
    if max(rows, columns) > MOST_CELLS:
        text += f"At most {MOST_CELLS} of {rows} rows, those that changed most, "
        text += f"and of {columns} columns. "
    if None in values:
        text += "An empty cell had no finite value. "
    if not drawn:
        return text.rstrip()
    half = max((curve.half_window for curve in over_time.values()), default=0)
    text += "Lines: the way there"
    text += f", the mean over {2 * half + 1} records" if half else ""
    return f"{text}.{some_of(len(drawn), rows, 'rows, those that changed most')}" + some_of(
        MOST_CURVES, columns, f"columns in each, {BY_SIZE}"
    )


def _looks(names: list[str], looks_of: Mapping[str, Look]) -> Mapping[str, Look]:
    """Returns looks by name: the tasks' own where all names are tasks that look different."""
    own = {name: looks_of[name] for name in names if name in looks_of}
    return own if len(set(own.values())) == len(names) else looks(names)
