"""Rules that say which of two states of a model is the better one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from plait.core.errors import ConfigError, DataError, unknown
from plait.evaluation.evaluate import Evaluation
from plait.runs.events import Scores
from plait.tasks.base import BaseTask
from plait.tasks.metrics import direction, perfect_value

Rule = Callable[[Evaluation], float]  # higher is better


def skill(tasks: Mapping[str, BaseTask], metrics: Scores, trivial: Scores) -> dict[str, float]:
    """Returns the skill of each task on its main metric.

        skill_t = (m_t - trivial_t) / (perfect_t - trivial_t)

    0 is the constant predictor (majority class or mean of the training labels), 1 is perfect;
    negative is worse than constant. It puts accuracies, overlaps and errors on one scale. The main
    metric is a task's first.

    Args:
        tasks: `{name: task}`.
        metrics: `{task: {metric: value}}` of the model.
        trivial: the same of the best constant predictions.

    Returns:
        `{task: skill}`, at most 1.

    Raises:
        ConfigError: a task has no metric or no trivial predictor, or the trivial predictor is
            perfect.
    """
    skills = {}
    for name, task in tasks.items():
        _check_skill(task)
        if name not in metrics:
            raise _no_label(name)
        main = next(iter(metrics[name]))
        perfect = perfect_value(f"{name}/{main}", task.metric_prototypes[main])
        base = trivial[name][main]
        if perfect == base:
            raise ConfigError(
                f"skill is not defined for task {name!r}: a constant is perfect on its {main}. "
                "Does the validation split hold one class only?"
            )
        skills[name] = (metrics[name][main] - base) / (perfect - base)
    return skills


def rule(name: str | Rule, tasks: Mapping[str, BaseTask]) -> Rule:
    """Returns the rule that a name stands for: a function from an `Evaluation` to a score.

    Args:
        name: "skill" (mean over tasks of `skill`), "worst" (the smallest skill), "loss" (minus the
            sum of the weighted losses), "task/metric" (that metric, in its direction), or any
            function of an `Evaluation`, higher is better.
        tasks: the tasks of the model.

    Raises:
        ConfigError: the name is unknown; for "skill" and "worst", a task has no metric, no
            constant predictor, or a metric without a perfect value.
    """
    if not isinstance(name, str):
        return name
    if name in ("skill", "worst"):
        for task in tasks.values():
            _check_skill(task)
        return lambda e: _pool(name, list(skill(tasks, e.metrics, e.trivial).values()))
    if name == "loss":
        return lambda e: -sum(tasks[task].weight * loss for task, loss in e.losses.items())
    known = {
        f"{task}/{m}": metric
        for task in tasks
        for m, metric in tasks[task].metric_prototypes.items()
    }
    if name not in known:
        raise ConfigError(unknown("rule", name, ["skill", "worst", "loss", *known]))
    of_task, _, of_metric = name.rpartition("/")
    sign = 1.0 if direction(name, known[name]) else -1.0

    def value(evaluation: Evaluation) -> float:
        if of_task not in evaluation.metrics:
            raise _no_label(of_task)
        return sign * evaluation.metrics[of_task][of_metric]

    return value


def _no_label(task: str) -> DataError:
    return DataError(
        f"task {task!r} has no valid label in this split, so no rule can read its metrics. "
        "Check its label file, or name a rule of another task."
    )


def _check_skill(task: BaseTask) -> None:
    metrics = task.metric_prototypes
    if not metrics or type(task).trivial is BaseTask.trivial:
        raise ConfigError(
            f"skill is not defined for task {task.name!r}: it has no metric or no trivial "
            "predictor. Name another rule, such as rule='task/metric', or rule='loss'."
        )
    main = next(iter(metrics))
    perfect_value(f"{task.name}/{main}", metrics[main])


def _pool(name: str, skills: list[float]) -> float:
    return sum(skills) / len(skills) if name == "skill" else min(skills)
