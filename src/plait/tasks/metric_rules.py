"""The rules for metrics: one number, a direction, and for skill a best value."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torchmetrics import Metric

from plait.core.errors import ConfigError


class SequenceMetric(Metric):
    """Base of metrics that read whole sequences, and not each token for itself.

    They are given predicted classes `[B, N]` and labels `[B, N]`, one row for each sequence, where
    a label below 0 is missing. Only tasks that label sequences have some, such as `Tagging`.
    """


def divided(metrics: Mapping[str, Metric]) -> tuple[dict[str, Metric], dict[str, Metric]]:
    """Returns the metrics that read whole sequences, and the others."""
    whole: dict[str, Metric] = {
        name: each for name, each in metrics.items() if isinstance(each, SequenceMetric)
    }
    return whole, {name: each for name, each in metrics.items() if name not in whole}


def direction(name: str, metric: Metric) -> bool:
    """Returns True if a higher value of `metric` is better.

    Args:
        name: names the metric in the message.
        metric: any torchmetrics object.

    Raises:
        ConfigError: it is no torchmetrics object, or does not say.
    """
    if not isinstance(metric, Metric):
        raise ConfigError(
            f"metric {name!r} must be a torchmetrics object; found {type(metric).__name__}. "
            "Write `metrics={'f1': MulticlassF1Score(3)}`; of a MetricCollection, `{**collection}`."
        )
    if metric.higher_is_better is None:
        raise ConfigError(
            f"metric {name!r} ({type(metric).__name__}) does not say whether higher is better. "
            "Derive a class from it that sets `higher_is_better` to True or False."
        )
    return bool(metric.higher_is_better)


def perfect_value(name: str, metric: Metric) -> float:
    """Returns the best value that `metric` can take: its bound on the better side.

    Args:
        name: names the metric in the message.
        metric: any torchmetrics object.

    Raises:
        ConfigError: the metric has no such bound.
    """
    higher = direction(name, metric)
    bound = metric.plot_upper_bound if higher else metric.plot_lower_bound
    if bound is None:
        side = "upper" if higher else "lower"
        raise ConfigError(
            f"metric {name!r} ({type(metric).__name__}) has no best value, so skill is not defined "
            f"on it. Derive a class from it that sets `plot_{side}_bound`, or name another rule."
        )
    return float(bound)


def one_number(name: str, value: Any) -> float:
    """Returns the value of a metric as a number.

    Args:
        name: names the metric in the message.
        value: of its `compute`.

    Raises:
        ConfigError: it is several numbers, such as one for each class.
    """
    if isinstance(value, Tensor) and value.numel() == 1:
        return float(value)
    if isinstance(value, float | int):
        return float(value)
    found = f"numbers {list(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    raise ConfigError(
        f"metric {name!r} must come to one number; found {found}. Give it average='macro', "
        "multioutput='uniform_average' or the like; for one class, derive a class from it whose "
        "`compute` picks that number."
    )


def check_metrics(
    task: str, metrics: Mapping[str, Metric] | None, prediction: Tensor, target: Tensor
) -> None:
    """Tries the metrics that a task was given, before anything is trained.

    Args:
        task: its name.
        metrics: by name; None if it was given none.
        prediction: made up, as the task's `select` returns it.
        target: labels for it.

    Raises:
        ConfigError: a metric cannot read them, or does not come to one number.
    """
    for key, metric in (metrics or {}).items():
        check_one_number(f"{task}/{key}", metric, prediction, target)


def check_one_number(name: str, metric: Metric, prediction: Any, target: Any) -> None:
    """Raises `ConfigError` unless a metric reads predictions of this kind, and gives one number."""
    tried = metric.clone()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the made-up predictions are none of the user's business
        try:
            tried.update(prediction, target)
            value = tried.compute()
        except (ValueError, RuntimeError, TypeError, IndexError) as error:
            shapes = f"{list(prediction.shape)} and {list(target.shape)}"
            raise ConfigError(
                f"metric {name!r} ({type(metric).__name__}) cannot read predictions and labels "
                f"{shapes}: {error}. Check its number of classes or outputs."
            ) from None
    one_number(name, value)
