"""Explains a configuration: which parameters which tasks share, and how a step goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.explanation.by_module import ModuleRow, by_module, by_tasks
    from plait.experiments.explanation.explain import Explanation, explain
    from plait.experiments.explanation.reached import Reached, reached

__all__ = [
    "Explanation",
    "ModuleRow",
    "Reached",
    "by_module",
    "by_tasks",
    "explain",
    "reached",
]

lazy(__name__)
