"""Charts of how a step for one task changes the loss of another, and of each task's share."""

from __future__ import annotations

from itertools import combinations

from plait.reports.draw.curves import Chart
from plait.reports.draw.graph import MOST_NODES, draw_graph
from plait.reports.draw.heatmap import COSINES, Scale, draw_cells, is_wide, rows_of_panels
from plait.reports.draw.style import Look, Panel, looks
from plait.reports.draw.tables import MOST_ROWS, Table
from plait.reports.words.text import MISSING
from plait.runs.diagnosis import Affinity, Diagnosis

MOST_EDGES = 40
Edge = tuple[str, str, float]


def affinity_chart(found: Diagnosis) -> Chart:
    """Draws the affinities as a heat map, and as a graph where there are few tasks."""
    title, affinity = "Affinity of the tasks", found.affinity
    if affinity is None:
        return Chart("affinity", title, missing="The affinities were not measured.")
    scale = _scale(affinity)
    order = _in_groups(found)
    places = [found.tasks.index(task) for task in order]
    cells = [[affinity.values[i][j] for j in places] for i in places]
    words = [
        f"{order[i]} on {order[j]} {scale.written(cells[i][j])}"
        for i in range(len(order))
        for j in range(len(order))
        if i != j and cells[i][j] is not None
    ]
    panels = [
        Panel(
            "A step for the row's task, and the loss of the column's",
            None,
            draw_cells("affinity-0", order, order, cells, scale),
            f"Affinities: {', '.join(words[:24])}{', ...' if len(words) > 24 else ''}.",
            wide=is_wide(len(order)),
            rows=1 if is_wide(len(order)) else rows_of_panels(len(order), len(order)),
        )
    ]
    edges = affinity_edges(found)
    if 1 < len(order) <= MOST_NODES:
        panels.append(_graph(found, order, edges, scale))
    caption = (
        f"By {affinity.method}, the mean over {affinity.batches} batches: by how much of itself a "
        f"loss falls in one step (of length {affinity.step:.3g}) for another task. Blue: the step "
        "helps; orange: it harms."
    )
    rows = [[f"{a} and {b}", scale.written(value)] for a, b, value in edges[:MOST_ROWS]]
    if 1 < len(order) <= MOST_NODES:
        caption += " Lines: the mean of both directions"
        caption += f", the {MOST_EDGES} largest." if len(edges) > MOST_EDGES else "."
    head = ["Pair", "Mean of both directions"]
    return Chart("affinity", title, caption, panels, [Table(head, rows, title)])


def affinity_edges(found: Diagnosis) -> list[Edge]:
    """Returns `(task, other task, mean of both directions)`, the largest first, signs aside."""
    affinity = found.affinity
    if affinity is None:
        return []
    edges = []
    for i, j in combinations(range(len(found.tasks)), 2):
        known = [
            each for each in (affinity.values[i][j], affinity.values[j][i]) if each is not None
        ]
        if known:
            edges.append((found.tasks[i], found.tasks[j], sum(known) / len(known)))
    return sorted(edges, key=lambda edge: -abs(edge[2]))


def group_looks(found: Diagnosis) -> list[Look]:
    """Returns a look for each proposed group."""
    count = len(found.grouping.groups) if found.grouping else 1
    return list(looks([str(index) for index in range(count)]).values())


def share_chart(found: Diagnosis) -> Chart:
    """Draws the share of each task in the update: of the plain sum, and by the run's weights."""
    title = "Share of each task in the update"
    columns = {"Plain sum": found.shares, "Weights of the run": found.balanced_shares}
    columns = {name: shares for name, shares in columns.items() if shares}
    if not columns:
        return Chart("shares", title, missing="It was not measured: no parameters are shared.")
    cells = [[shares.get(task) for shares in columns.values()] for task in found.tasks]
    scale = Scale(-1, 1, COSINES.colours, ".0%")
    words = [
        f"{task} {', '.join(scale.written(value) or MISSING for value in row)}"
        for task, row in zip(found.tasks[:24], cells, strict=False)
    ]
    panel = Panel(
        "",
        None,
        draw_cells("shares-0", found.tasks, list(columns), cells, scale),
        f"{' and '.join(columns)}: {'; '.join(words)}.",
    )
    rows = [
        [task, *(scale.written(value) or MISSING for value in row)]
        for task, row in zip(found.tasks, cells, strict=True)
    ]
    caption = (
        "How far the gradient of each task goes in the direction of the whole step; all together "
        "they are 100 %. One of a few per cent is a task that hardly counts, and one below zero "
        "works against the step."
    )
    return Chart("shares", title, caption, [panel], [Table(["Task", *columns], rows, title)])


def _in_groups(found: Diagnosis) -> list[str]:
    """Returns the tasks, those of one proposed group beside each other."""
    if found.grouping is None:
        return found.tasks
    return list(dict.fromkeys(task for group in found.grouping.groups for task in group.tasks))


def _scale(affinity: Affinity) -> Scale:
    """Returns a scale around zero that the effects on other tasks fill."""
    values = affinity.values
    others = [
        abs(value)
        for i, row in enumerate(values)
        for j, value in enumerate(row)
        if i != j and value is not None
    ]
    reach = max(others, default=0.0) or 1.0
    digits = 0 if reach >= 0.3 else 1 if reach >= 0.03 else 2 if reach >= 0.003 else 3
    return Scale(-reach, reach, COSINES.colours, f"+.{digits}%")


def _graph(found: Diagnosis, order: list[str], edges: list[Edge], scale: Scale) -> Panel:
    groups = found.grouping.groups if found.grouping else []
    colours = group_looks(found)
    colour_of = {
        task: colours[index].colour for index, group in enumerate(groups) for task in group.tasks
    }
    nodes = {task: colour_of.get(task, colours[0].colour) for task in order}
    drawn = edges[:MOST_EDGES]
    written = [scale.written(value) for *_, value in drawn]
    words = ", ".join(f"{a} and {b} {text}" for (a, b, _), text in zip(drawn, written, strict=True))
    name = "The tasks, in the colours of the proposed networks" if groups else "The tasks"
    plot = draw_graph("affinity-1", nodes, drawn, written)
    return Panel(name, None, plot, f"Graph: {words}.", wide=is_wide(len(order)))
