"""Charts of the changes by training together: each member, each task, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from plait.reports.draw.curves import MOST_PANELS, Chart
from plait.reports.draw.heatmap import draw_cells, is_wide, rows_of_panels, scale_of
from plait.reports.draw.plot import Bar, draw_bars
from plait.reports.draw.style import GREY, Look, Panel
from plait.reports.draw.tables import Table
from plait.reports.words.notable import notable
from plait.reports.words.text import arrow, number, per_cent
from plait.reports.words.verdict import SIGNS, span
from plait.runs import Comparison
from plait.runs.comparison import Change, mean
from plait.runs.comparison_member import ALL

_MOST_BARS = 24
_SHORT = 16  # characters of a name that leave room for bars in a third of the page
_TITLE = "Change against separate networks"
_UNIT = "In per cent, positive is better"
Looks = Mapping[str, Look]


def change_chart(found: Comparison, looks_of: Looks) -> Chart:
    """Draws the changes: all tasks of a lone member in one panel, else task by task.

    Args:
        found: the comparison.
        looks_of: how each task is drawn where there is one member, else how each member is.
    """
    if not any(math.isfinite(change.mean) for change in found.changes) and not _gains(found):
        return Chart("change", _TITLE, missing="No change could be measured.")
    panels = _of_one(found, looks_of) if len(found.members) == 1 else _of_several(found, looks_of)
    known = any(not math.isnan(change.low) for change in found.changes)
    lines = " Lines: 95 % intervals, not corrected for the number of comparisons." if known else ""
    scale = " All bars have one scale." if len(panels) > 1 else ""
    caption = f"{_UNIT}; Δm is the mean over the tasks. The main metric of each task.{scale}{lines}"
    broad = any(len(label) > _SHORT for label in found.labels.values())
    return Chart("change", _TITLE, caption, panels, [change_table(found)], broad=broad)


def _gains(found: Comparison) -> bool:
    """Returns whether a member has a change that was not judged."""
    return not found.changes and any(
        math.isfinite(_mean_gain(found, member.name, task))
        for member in found.members
        for task in (ALL, *found.metrics)
    )


def change_table(found: Comparison) -> Table:
    """Returns each change that was measured, with its interval, its p-values and its verdict.

    Of many tasks, those of the mean over the tasks and of the `notable` ones.
    """
    labels = found.labels
    shown = {ALL, *notable(found)}
    rows = [
        [
            labels.get(change.member, change.member),
            change.task or "all",
            change.metric if change.task else "Δm",
            span(change),
            per_cent(change.deviation, sign=""),
            number(change.p),
            number(change.adjusted),
            f"{SIGNS[change.verdict]} {change.verdict}" if _judged(change) else "not judged",
        ]
        for change in found.changes
        if change.task in shown
    ]
    head = ["Network", "Task", "Metric", "Change", "Deviation", "p", "p, corrected", "Verdict"]
    return Table(head, rows, "Changes", words=3)


def _judged(change: Change) -> bool:
    return not math.isnan(change.adjusted) or change.verdict == "undefined"


def _of_one(found: Comparison, looks_of: Looks) -> list[Panel]:
    (member,) = found.members
    bars = [_bar(found, member.name, task, task, looks_of[task]) for task in found.metrics]
    name = ""
    if len(bars) > _MOST_BARS:
        known = sorted((bar for bar in bars if bar.ends), key=lambda bar: -bar.value)
        half = _MOST_BARS // 2
        name = f"The best and the worst of {len(bars)} tasks"
        bars = known if len(known) <= _MOST_BARS else [*known[:half], *known[-half:]]
    mean_bar = _bar(found, member.name, ALL, "Δm", Look(GREY))
    return [_panel("change-0", name, [mean_bar, *bars], None)]


def _of_several(found: Comparison, looks_of: Looks) -> list[Panel]:
    main = [task for task, metrics in found.metrics.items() if metrics]
    few = len(main) <= MOST_PANELS
    groups = {"Mean over the tasks (Δm)": ALL}
    if few:
        groups |= {f"{task}: {_metric(found, task)}": task for task in main}
    bars = {
        name: [
            _bar(found, each.name, task, found.labels[each.name], looks_of[each.name])
            for each in found.members
        ]
        for name, task in groups.items()
    }
    known = [end for each in bars.values() for bar in each for end in bar.ends]
    ends = min([0.0, *known]), max([0.0, *known])
    panels = [
        _panel(f"change-{index}", name, each, ends)
        for index, (name, each) in enumerate(bars.items())
    ]
    return panels if few else [*panels, _map(found, main)]


def _bar(found: Comparison, member: str, task: str, name: str, look: Look) -> Bar:
    """Returns the bar of a change: as it was judged, or the bare mean where it was not."""
    change = found.change(member, task)
    if change is None:
        value = _mean_gain(found, member, task)
        return Bar(name, value, per_cent(value), look.colour)
    text = f"{span(change)} {SIGNS[change.verdict]}"
    return Bar(name, change.mean, text, look.colour, change.low, change.high)


def _mean_gain(found: Comparison, member: str, task: str) -> float:
    own = next(each for each in found.members if each.name == member)
    if task == ALL:
        return mean(own.delta_m)
    metric = next(iter(found.metrics[task]), "")
    return mean(own.gains.get(task, {}).get(metric, [math.nan]))


def _panel(ident: str, name: str, bars: Sequence[Bar], ends: tuple[float, float] | None) -> Panel:
    words = ", ".join(f"{bar.name} {bar.written}" for bar in bars)
    text = f"{name}: {words}." if name else f"{words}."
    return Panel(name, None, draw_bars(ident, bars, ends), text)


def _map(found: Comparison, main: Sequence[str]) -> Panel:
    """Draws the members' changes of many tasks as a heat map."""
    means = [[_mean_gain(found, each.name, task) for each in found.members] for task in main]
    cells = [[value if math.isfinite(value) else None for value in row] for row in means]
    scale = scale_of([value for row in cells for value in row], shares=False)
    labels = list(found.labels.values())
    return Panel(
        "Each task, in per cent",
        None,
        draw_cells("change-map", main, labels, cells, scale),
        f"The change of {len(main)} tasks by network, in per cent; the table has the numbers.",
        wide=is_wide(len(labels)),
        rows=rows_of_panels(len(main), len(labels)),
    )


def _metric(found: Comparison, task: str) -> str:
    metric, info = next(iter(found.metrics[task].items()))
    return arrow(metric, info.higher_is_better)
