"""The tables of a diagnosis."""

from __future__ import annotations

from plait.reports.draw.tables import MOST_ROWS, Table
from plait.reports.words.grouping import gain
from plait.reports.words.text import MISSING, memory, number, per_step, share
from plait.runs.diagnosis import Diagnosis


def opposed_table(found: Diagnosis) -> Table | None:
    """Returns the pairs that are in conflict beyond the noise of the batches."""
    rows = [
        [
            f"{pair.first} and {pair.second}",
            number(pair.cosine),
            f"{number(pair.low)} to {number(pair.high)}",
            share(pair.rate),
        ]
        for pair in found.opposed[:MOST_ROWS]
    ]
    head = ["Pair", "Cosine", "Interval", "Batches in conflict"]
    return Table(head, rows, "Pairs in conflict") if rows else None


def loss_table(found: Diagnosis) -> Table | None:
    """Returns the size of each loss and of its gradient, and how they stand to the others."""
    norms = [scale.norm for scale in found.losses.values() if scale.norm is not None]
    least = min((norm for norm in norms if norm > 0), default=0.0)
    rows = [
        [
            task,
            number(scale.first),
            number(scale.loss),
            number(scale.norm),
            f"{scale.norm / least:.3g}" if scale.norm is not None and least else MISSING,
            str(scale.batches),
        ]
        for task, scale in found.losses.items()
    ]
    head = ["Task", "First loss", "Loss", "Gradient norm", "Times the least", "Batches"]
    return Table(head, rows, "Loss scales") if rows else None


def parameter_table(found: Diagnosis) -> Table | None:
    """Counts the parameters by the tasks that they serve."""
    total = sum(each.parameters for each in found.shared)
    rows = [
        [
            _tasks(each.tasks, len(found.tasks)),
            f"{each.parameters:,}",
            share(each.parameters / total if total else None),
        ]
        for each in found.shared[:MOST_ROWS]
    ]
    return Table(["Tasks", "Parameters", "Share"], rows, "Who shares what") if rows else None


def gain_table(found: Diagnosis) -> Table | None:
    """Returns the gain that is predicted for each task in its proposed network."""
    if found.grouping is None or len(found.grouping.groups) < 2:
        return None
    rows = [
        [task, str(index), gain(group.gains.get(task))]
        for index, group in enumerate(found.grouping.groups, start=1)
        for task in group.tasks
    ]
    return Table(["Task", "Network", "Predicted gain"], rows, "Predicted gains")


def forecast_table(found: Diagnosis) -> Table | None:
    """Returns time and memory of a step with each balancer that can be used."""
    rows = [
        [
            each.balancer,
            per_step(each.seconds),
            MISSING if each.ratio is None else f"{each.ratio:.2f}",
            memory(each.memory),
            each.passes,
            each.route or MISSING,
        ]
        for each in found.forecast
        if not each.why
    ]
    head = ["Balancer", "Step", "Times plain sum", "Memory", "Backward passes", "Route"]
    return Table(head, rows, "Forecast") if rows else None


def _tasks(tasks: list[str], count: int) -> str:
    if not tasks:
        return "None: no task reaches them"
    if len(tasks) == count > 1:
        return f"All {count}"
    return (
        ", ".join(tasks) if len(tasks) <= 6 else f"{', '.join(tasks[:6])} and {len(tasks) - 6} more"
    )
