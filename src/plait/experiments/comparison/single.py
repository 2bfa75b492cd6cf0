"""The settings of a network of one task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plait.experiments.config import RunConfig
from plait.experiments.method import Method


def alone(config: RunConfig, task: str, tasks: Iterable[str]) -> RunConfig:
    """Returns the settings of a single-task run; a rule on another task's metric becomes skill.

    It is one encoder and head, trained on the plain loss of its task: what shares, ties, connects
    and balances is for several tasks.

    Args:
        config: of the joint run.
        task: the one that is left.
        tasks: the names of those that are trained jointly.
    """
    other = config.rule.rpartition("/")[0] not in ("", task)
    changed = {
        "tasks": _only(task, tasks, config.tasks),
        "balancing": Method.model_validate("Equal"),
        "sharing": Method.model_validate("Hard"),
        "regularization": None,
        "connections": None,
        "start_from": [],
        "freeze": [],
        "rule": "skill" if other else config.rule,
        "all_right": None,
    }
    return config.model_copy(update=changed)


def _only(task: str, tasks: Iterable[str], settings: Any) -> Any:
    """Returns the settings of the tasks that leave one task; a weight is for several tasks."""
    if not isinstance(settings, Mapping):
        return [task]
    own = settings.get(task)
    if isinstance(own, Mapping):
        own = {option: value for option, value in own.items() if option != "weight"}
    return {**dict.fromkeys([*settings, *tasks]), task: own or {}}
