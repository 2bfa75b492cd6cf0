"""The direction and the best value of a metric, as its class states them."""

from __future__ import annotations

from torchmetrics import Metric

from plait.core.errors import ConfigError


def direction(name: str, metric: Metric) -> bool:
    """Returns True if a higher value of `metric` is better.

    Args:
        name: names the metric in the message.
        metric: any torchmetrics object.

    Raises:
        ConfigError: the metric does not say.
    """
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
