"""Bases of tasks with like labels: class numbers, or numbers with a unit."""

from plait.tasks.labels.classes import ClassLabels
from plait.tasks.labels.moments import Moments
from plait.tasks.labels.numbers import NumberLabels
from plait.tasks.labels.unit import WithUnit

__all__ = ["ClassLabels", "Moments", "NumberLabels", "WithUnit"]
