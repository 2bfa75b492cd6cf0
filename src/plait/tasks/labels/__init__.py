"""What tasks with like labels have in common: class numbers, or numbers with a unit."""

from plait.tasks.labels.classes import ClassLabels
from plait.tasks.labels.numbers import NumberLabels

__all__ = ["ClassLabels", "NumberLabels"]
