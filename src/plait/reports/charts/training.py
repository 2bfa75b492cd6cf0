"""Charts of a training: losses, metrics, weights, gradient norms, learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from plait.core.many import MANY, main_skills
from plait.reports.charts.many import Overview, against_first, overview
from plait.reports.draw.curves import (
    BY_SIZE,
    MOST_CURVES,
    MOST_PANELS,
    Chart,
    Subject,
    curve_table,
    many_panel,
    progress_panel,
    some_of,
    step_curve,
    summary,
    window,
)
from plait.reports.draw.plot import draw_lines, line
from plait.reports.draw.style import GREY, Look, Panel
from plait.reports.read.run import Run
from plait.reports.read.series import Series, evenly_spaced, largest, series
from plait.reports.words.text import arrow, number
from plait.runs import StepColumns, Validation
from plait.runs.folder import EVENTS

Values = Callable[[StepColumns], np.ndarray]  # by task, [S, T]

NEUTRAL = Look(GREY)
NO_STEPS = (
    "No step has been recorded yet. Training writes its steps to the disk every log_every steps."
)
CSV_HAS_ALL = "The metrics of all are in plait report FOLDER --csv."
EVENLY = "tasks, evenly chosen from their list; the table has all"


def loss_chart(subject: Subject) -> Chart:
    """Draws the training loss of each task over the steps."""
    title = "Training loss"
    panels: list[Panel] = []
    columns: dict[str, Series] = {}
    tasks, known = subject.run.tasks, len(subject.run.tasks)
    many = _losses_of_many(subject.run) if known > MANY else None
    if many is not None:
        panels, columns, tasks = [many.panel], dict(many.curves), many.tasks
    drawn = evenly_spaced(len(tasks), MOST_PANELS)
    log = _one_scale(subject, [tasks[index] for index in drawn])
    for index, task in enumerate(tasks):
        pick = _pick(lambda steps: steps.losses, task)
        curve, alone = step_curve(subject.run, pick), step_curve(subject.single.get(task), pick)
        if curve.x:
            columns[task] = curve
        if curve.x and index in drawn:
            look, ident = subject.looks[task], f"loss-{index}"
            panels.append(progress_panel(ident, task, look, curve, alone=alone, log=log))
        if alone.x:
            columns[f"{task}, alone"] = alone
    if not panels:
        return Chart("loss", title, missing=NO_STEPS)
    scale = " All axes are logarithmic." if log else ""
    caption = (
        f"Each task has its own unit.{scale} {window(list(columns.values()))}{_dashed(subject)}"
    )
    caption += some_of(len(drawn), len(tasks), EVENLY) if many is None else many.note
    return Chart("loss", title, caption, panels, [curve_table("Step", columns, title)])


def _losses_of_many(run: Run) -> Overview | None:
    """Returns the losses of many tasks, each against its first one."""
    steps, name = run.steps, "Loss / first loss, all tasks"
    ratios = against_first(steps.losses)
    found = overview("loss-all", name, steps.names, steps.step, ratios, higher=False)
    where = f" All losses are in {EVENTS}, which plait.runs.steps_of reads."
    return found and replace(found, note=f" {found.note}{where}")


def _one_scale(subject: Subject, tasks: Sequence[str]) -> bool:
    """Returns whether the losses are drawn on logarithmic axes: all of the panels, or none."""
    runs = [(run, task) for task in tasks for run in (subject.run, subject.single.get(task))]
    curves = [step_curve(run, _pick(lambda steps: steps.losses, task)) for run, task in runs]
    known = [curve for curve in curves if curve.x]
    return any(curve.wide for curve in known) and all(min(curve.y) > 0 for curve in known)


def validation_chart(subject: Subject) -> Chart:
    """Draws the main metric of each task on the validation data; the table has all metrics."""
    title = "Validation"
    panels: list[Panel] = []
    columns: dict[str, Series] = {}
    main, known = main_metrics(subject.run), len(main_metrics(subject.run))
    many = _skills_of_many(subject.run) if known > MANY else None
    if many is not None:
        panels, columns = [many.panel], dict(many.curves)
        main = [(task, dict(main)[task]) for task in many.tasks]
    drawn = evenly_spaced(len(main), MOST_PANELS)
    for index, (task, metric) in enumerate(main):
        curve = metric_curve(subject.run, task, metric)
        alone = metric_curve(subject.single.get(task), task, metric)
        if not curve.x:
            continue
        if index in drawn:
            ident = f"validation-{index}"
            panels.append(_validation_panel(subject, ident, task, metric, curve, alone))
        columns[f"{task}: {metric}"] = curve
        if alone.x:
            columns[f"{task}: {metric}, alone"] = alone
        for other in subject.run.validations[-1].metrics[task]:
            columns.setdefault(f"{task}: {other}", metric_curve(subject.run, task, other))
    if not panels:
        text = "No metric was evaluated. Give training validation data, and the tasks metrics."
        return Chart("validation", title, missing=text)
    caption = f"The main metric of each task. Dotted: the trivial predictor.{_dashed(subject)}"
    caption += some_of(len(drawn), len(main), EVENLY) if many is None else many.note
    return Chart("validation", title, caption, panels, [curve_table("Epoch", columns, title)])


def _skills_of_many(run: Run) -> Overview | None:
    """Returns the skills of many tasks; None where the log does not tell them."""
    events = run.validations
    found = [main_skills(each.metrics, each.trivial, each.higher_is_better) for each in events]
    tasks = list(dict.fromkeys(task for skills in found for task in skills))
    table = np.array([[skills.get(task, np.nan) for task in tasks] for skills in found])
    epochs, name = np.array([event.epoch for event in events]), "Skill, all tasks"
    many = overview("validation-all", name, tasks, epochs, table, higher=True, unit="epoch")
    meaning = " Skill: 0 is the trivial predictor, 1 is perfect."
    return many and replace(many, note=f"{meaning} {many.note} {CSV_HAS_ALL}")


def weight_chart(subject: Subject) -> Chart:
    """Draws the weight of each task over the steps."""
    title = "Task weights"
    curves = _by_task(subject, lambda steps: steps.weights)
    if not curves:
        text = "There are no weights: the balancer combines the gradients without any."
        return Chart("weights", title, missing=text if len(subject.run.steps) else NO_STEPS)
    drawn = largest(curves, MOST_CURVES)
    caption = f"What each task's gradient counted. {window(list(curves.values()))}"
    caption += some_of(len(drawn), len(curves), f"tasks, {BY_SIZE}")
    panels = [many_panel("weights-0", drawn, subject.looks)]
    if len(curves) > MANY:
        steps = subject.run.steps
        panel, curves = _with_quantiles("weights-all", "Weights", steps, steps.weights, drawn)
        panels = [panel, *panels]
    return Chart("weights", title, caption, panels, [curve_table("Step", curves, title)])


def norm_chart(subject: Subject) -> Chart:
    """Draws the length of each task's gradient, and of the whole one, over the steps."""
    title = "Gradient norms"
    if not len(subject.run.steps):
        return Chart("norms", title, missing=NO_STEPS)
    tasks = _by_task(subject, lambda steps: steps.norms)
    drawn, measured = largest(tasks, MOST_CURVES), len(tasks)
    whole = "Whole gradient" if "All" in tasks else "All"
    all_of_it = {whole: step_curve(subject.run, lambda steps: steps.gradient_norm)}
    panels = [many_panel("norms-0", {**drawn, **all_of_it}, {**subject.looks, whole: NEUTRAL})]
    if len(tasks) > MANY:
        steps = subject.run.steps
        panel, tasks = _with_quantiles("norms-all", "Norms", steps, steps.norms, drawn)
        panels = [panel, *panels]
    curves = {**tasks, **all_of_it}
    caption = f"{whole}: the balanced gradient of all parameters, before clipping. "
    if tasks:
        caption += "Tasks: their gradients at the shared parameters. "
    else:
        caption += (
            "Norms of the tasks were not recorded: gradient methods always record them, "
            "other balancers with the option measure_every. "
        )
    caption += window(list(curves.values()))
    caption += some_of(len(drawn), measured, f"tasks, {BY_SIZE}")
    return Chart("norms", title, caption, panels, [curve_table("Step", curves, title)])


def _with_quantiles(
    ident: str, what: str, steps: StepColumns, values: np.ndarray, drawn: dict[str, Series]
) -> tuple[Panel, dict[str, Series]]:
    """Returns a panel of the quantiles over many tasks, and their curves with those drawn."""
    found = overview(ident, f"{what}, all tasks", steps.names, steps.step, values, higher=True)
    assert found is not None  # tasks with a value are drawn
    return found.panel, {**found.curves, **drawn}


def rate_chart(subject: Subject) -> Chart:
    """Draws the learning rate over the steps; one that is constant is said in words."""
    title = "Learning rate"
    curve = step_curve(subject.run, lambda steps: steps.lr)
    if not curve.x:
        return Chart("rate", title, missing=NO_STEPS)
    if min(curve.y) == max(curve.y):
        return Chart("rate", title, missing=f"{number(curve.y[0])} at every step.")
    plot = draw_lines("rate-0", [line(curve.thinned(), NEUTRAL, name="rate")], x="step")
    panel = Panel("", None, plot, summary("Learning rate", curve, "step"))
    table = curve_table("Step", {"Learning rate": curve}, title)
    caption = "Of the optimizer's first parameter group."
    return Chart("rate", title, caption, [panel], [table])


def _validation_panel(
    subject: Subject, ident: str, task: str, metric: str, curve: Series, alone: Series
) -> Panel:
    last = subject.run.validations[-1]
    look = Look(subject.looks[task].colour)
    name = f"{task}: {arrow(metric, last.direction(task, metric))}"
    traces = [line(curve.thinned(), look, name=task, marks="circle")]
    if alone.x:
        traces.append(
            line(alone.thinned(), Look(look.colour, "dash"), name="alone", marks="circle-open")
        )
    trivial = last.trivial.get(task, {}).get(metric)
    flat = [] if trivial is None else [(trivial, "trivial")]
    plot = draw_lines(ident, traces, x="epoch", flat=flat)
    return Panel(name, look, plot, summary(name, curve, "epoch"))


def main_metrics(run: Run) -> list[tuple[str, str]]:
    """Returns `(task, its main metric)` for each task that has metrics."""
    last = run.validations[-1].metrics if run.validations else {}
    return [(task, next(iter(metrics))) for task, metrics in last.items() if metrics]


def metric_curve(run: Run | None, task: str, metric: str) -> Series:
    """Returns the curve of a metric over the epochs that have it; empty if `run` is None."""

    def value(event: Validation) -> float | None:
        return event.metrics.get(task, {}).get(metric)

    return series(run.validations if run else [], lambda event: event.epoch, value)


def _by_task(subject: Subject, values: Values) -> dict[str, Series]:
    """Returns `{task: curve}`, without tasks that have no value at any step."""
    curves = {task: step_curve(subject.run, _pick(values, task)) for task in subject.run.tasks}
    return {task: curve for task, curve in curves.items() if curve.x}


def _pick(values: Values, task: str) -> Values:
    return lambda steps: steps.of(values(steps), task)


def _dashed(subject: Subject) -> str:
    return " Dashed: the task trained alone." if subject.single else ""
