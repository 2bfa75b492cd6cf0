"""Rules that say which of two states of a model is the better one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from plait.core.errors import ConfigError, DataError, unknown
from plait.core.reduction import Reduction, label_shares
from plait.evaluation.all_right import AllRight, check_all_right
from plait.evaluation.evaluator import Evaluation
from plait.runs.events import Scores
from plait.tasks.base import BaseTask
from plait.tasks.metric_rules import direction, perfect_value

ALL_RIGHT = "all_right/"  # before a metric over several tasks
Rule = Callable[[Evaluation], float]  # higher is better


def skill(tasks: Mapping[str, BaseTask], metrics: Scores, trivial: Scores) -> dict[str, float]:
    """Returns the skill of each task on its main metric.

        skill_t = (m_t - trivial_t) / (perfect_t - trivial_t)

    0 is the constant prediction that is best for the metric on the training labels (majority
    class; mean, or median for mean absolute errors), 1 is perfect; negative is worse than constant.
    It puts accuracies, overlaps and errors on one scale. The main metric is a task's first.

    Args:
        tasks: `{name: task}`.
        metrics: `{task: {metric: value}}` of the model.
        trivial: the same of the best constant predictions.

    Returns:
        `{task: skill}`, at most 1. NaN where it is undefined: a constant is perfect, as where all
        labels are equal, or the metric is undefined.

    Raises:
        ConfigError: a task has no metric or no trivial predictor.
        DataError: a task has no valid label.
    """
    skills = {}
    for name, task in tasks.items():
        _check_skill(task)
        if name not in metrics:
            raise _no_label(name)
        main, gap = _gap(task, trivial)
        gain = metrics[name][main] - trivial[name][main]
        skills[name] = gain / gap if gap else math.nan
    return skills


def rule(
    name: str | Rule,
    tasks: Mapping[str, BaseTask],
    *,
    reduction: Reduction = "task",
    all_right: AllRight | None = None,
) -> Rule:
    """Returns the rule that a name stands for: a function from an `Evaluation` to a score.

    Args:
        name: "skill" (mean of `skill` over the tasks for which the labels define it), "worst" (the
            smallest of these), "loss" (minus the sum of the weighted losses), "task/metric" (that
            metric, in its direction), "all_right/metric" (one over several tasks), or any function
            of an `Evaluation`, higher is better.
        tasks: the tasks of the model.
        reduction: with "label", "loss" is minus the weighted mean over all labels, as training has
            it: each loss counts by its task's share of the labels.
        all_right: the metrics over several tasks, `{metric: tasks}`.

    Raises:
        ConfigError: the name is unknown; for "skill" and "worst", a task has no metric, no
            constant predictor, or a metric without a perfect value; a metric over several tasks
            names a task that is unknown, or neither right nor wrong.
    """
    check_all_right(all_right or {}, tasks)
    if not isinstance(name, str):
        return name
    if name in ("skill", "worst"):
        for task in tasks.values():
            _check_skill(task)
        return lambda e: _pool(name, defined_skills(tasks, e))
    if name == "loss":
        return lambda e: -_objective(tasks, e, reduction)
    known = {
        f"{task}/{m}": metric
        for task in tasks
        for m, metric in tasks[task].metric_prototypes.items()
    }
    several = {f"{ALL_RIGHT}{metric}": metric for metric in all_right or {}}
    if name in several and name not in known:
        return lambda e: e.all_right[several[name]]
    if name not in known:
        raise ConfigError(unknown("rule", name, ["skill", "worst", "loss", *known, *several]))
    of_task, _, of_metric = name.rpartition("/")
    sign = 1.0 if direction(name, known[name]) else -1.0

    def value(evaluation: Evaluation) -> float:
        if of_task not in evaluation.metrics:
            raise _no_label(of_task)
        return sign * evaluation.metrics[of_task][of_metric]

    return value


def _objective(
    tasks: Mapping[str, BaseTask], evaluation: Evaluation, reduction: Reduction
) -> float:
    """Returns the sum of the losses as they count in training, before any balancing."""
    losses = evaluation.losses
    shares = dict.fromkeys(losses, 1.0)
    if reduction == "label":
        shares = label_shares({task: evaluation.counts[task] for task in losses})
    return sum(tasks[task].weight * shares[task] * loss for task, loss in losses.items())


def task_scores(evaluation: Evaluation) -> dict[str, float]:
    """Returns the score of each task alone: its main metric, with its sign, higher is better.

    Minus its loss where it has no metric. NaN where the labels do not define the metric; a task
    without a label is left out.
    """
    scores = {task: -loss for task, loss in evaluation.losses.items()}
    for task, metrics in evaluation.metrics.items():
        for main, value in list(metrics.items())[:1]:
            scores[task] = value if evaluation.higher_is_better[task][main] else -value
    return scores


def defined_skills(tasks: Mapping[str, BaseTask], evaluation: Evaluation) -> dict[str, float]:
    """Returns the skill of each task for which the labels define one, whatever the model predicts.

    Of these, a skill is NaN if the model's own metric is.
    """
    found = skill(tasks, evaluation.metrics, evaluation.trivial)
    gaps = {name: _gap(tasks[name], evaluation.trivial)[1] for name in found}
    return {name: found[name] for name, gap in gaps.items() if gap and not math.isnan(gap)}


def _gap(task: BaseTask, trivial: Scores) -> tuple[str, float]:
    """Returns the main metric, and what is between the best constant and perfect on it.

    0 where a constant is perfect, NaN where the labels do not define the metric.
    """
    main, metric = next(iter(task.metric_prototypes.items()))
    return main, perfect_value(f"{task.name}/{main}", metric) - trivial[task.name][main]


def check_labels(name: str | Rule, tasks: Mapping[str, BaseTask], evaluation: Evaluation) -> None:
    """Raises `DataError` if a rule names a metric of a task that has no valid label in a split.

    "skill" and "worst" leave such a task out.
    """
    if not isinstance(name, str) or name in ("skill", "worst", "loss"):
        return
    task = name.rpartition("/")[0]
    if task in tasks:
        if not evaluation.counts.get(task):
            raise _no_label(task)
    elif math.isnan(evaluation.all_right.get(name.removeprefix(ALL_RIGHT), 0.0)):
        raise DataError(
            f"no example of this split has a label of each task of {name!r}, so no rule can read "
            "it. Name another rule."
        )


def _no_label(task: str) -> DataError:
    return DataError(
        f"task {task!r} has no valid label in this split, so no rule can read its metrics. "
        "Check its label file, or name a rule of another task."
    )


def _check_skill(task: BaseTask) -> None:
    metrics = task.metric_prototypes
    if not metrics or type(task).constant is BaseTask.constant:
        raise ConfigError(
            f"skill is not defined for task {task.name!r}: it has no metric or no trivial "
            "predictor. Name another rule, such as rule='task/metric', or rule='loss'."
        )
    main = next(iter(metrics))
    perfect_value(f"{task.name}/{main}", metrics[main])


def _pool(name: str, skills: Mapping[str, float]) -> float:
    values = list(skills.values())
    if not values or any(map(math.isnan, values)):
        return math.nan
    return sum(values) / len(values) if name == "skill" else min(values)
