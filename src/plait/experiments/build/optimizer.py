"""The optimizer and the scheduler of a run: any class of `torch.optim`."""

from __future__ import annotations

from typing import Any

import torch

from plait.core.build import check_names, reporting
from plait.core.errors import ConfigError
from plait.core.lookup import find, parameters
from plait.experiments.method import Method

# Scores: higher is better; they may be negative, where a relative threshold misleads.
PLATEAU = {"mode": "max", "threshold_mode": "abs"}


def optimizer_arguments(named: Method) -> dict[str, Any]:
    """Returns the Trainer's arguments `optimizer`, and `lr` and `weight_decay` where they are set.

    Raises:
        ConfigError: no optimizer of torch, or an option that it does not have.
    """
    cls: type[Any] = find(named.name, torch.optim, base=torch.optim.Optimizer, kind="optimizer")
    options = named.options
    common: dict[str, Any] = {
        key: _number(f"optimizer.{key}", options.pop(key))
        for key in ("lr", "weight_decay")
        if key in options
    }
    check_names(cls, options, kind="optimizer", given=[_built_on(cls)])

    def make(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        with reporting(cls, named.options, "optimizer"):
            optimizer: torch.optim.Optimizer = cls(groups, **options)
        return optimizer

    return {"optimizer": make, **common}


def scheduler_maker(named: Method | None, steps: int, rate: float) -> Any:
    """Returns a function of the optimizer that makes the scheduler; None without one.

    Args:
        named: any class of `torch.optim.lr_scheduler`; rates that it sets anew (`max_lr`,
            `base_lr`) are those of the base rate, and groups with a factor keep their factor.
        steps: optimizer steps of the whole training; fills `total_steps` and `T_max`.
            `ReduceLROnPlateau` is made for scores: ``mode="max"`` and an absolute threshold.
        rate: the base learning rate.

    Raises:
        ConfigError: no scheduler of torch, or an option that it does not have.
    """
    if named is None:
        return None
    schedulers = torch.optim.lr_scheduler
    cls: type[Any] = find(named.name, schedulers, base=schedulers.LRScheduler, kind="scheduler")
    options = named.options
    if cls is schedulers.ReduceLROnPlateau:
        for name, value in PLATEAU.items():
            options.setdefault(name, value)
    for length in ("total_steps", "T_max"):
        if length in parameters(cls):
            options.setdefault(length, steps)
    check_names(cls, options, kind="scheduler", given=[_built_on(cls)])

    def make(optimizer: torch.optim.Optimizer) -> Any:
        factors = [group["lr"] / rate for group in optimizer.param_groups]
        by_group: dict[str, Any] = {
            key: [float(options[key]) * factor for factor in factors]
            for key in ("max_lr", "base_lr")
            if isinstance(options.get(key), int | float) and key in parameters(cls)
        }
        with reporting(cls, options, "scheduler"):
            return cls(optimizer, **(options | by_group))

    return make


def _built_on(cls: type[Any]) -> str:
    """Returns the name of the first argument: the parameters, or the optimizer."""
    return next(iter(parameters(cls)))


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"setting {key!r} must be a number; found {value!r}.")
    return float(value)
