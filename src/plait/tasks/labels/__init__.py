"""Bases of tasks with like labels: class numbers, or numbers with a unit."""

from plait.tasks.labels.classes import ClassLabels
from plait.tasks.labels.numbers import NumberLabels

__all__ = ["ClassLabels", "NumberLabels"]
