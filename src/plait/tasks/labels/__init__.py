"""Bases of tasks with like labels: class numbers, yes or no, or numbers with a unit."""

from plait.tasks.labels.class_weights import balanced
from plait.tasks.labels.classes import ClassLabels
from plait.tasks.labels.moments import Moments
from plait.tasks.labels.numbers import NumberLabels
from plait.tasks.labels.overlap import soft_dice
from plait.tasks.labels.rare import options_for, resolved
from plait.tasks.labels.spans import is_bio
from plait.tasks.labels.unit import WithUnit
from plait.tasks.labels.yes_no import YesNoLabels

__all__ = [
    "ClassLabels",
    "Moments",
    "NumberLabels",
    "WithUnit",
    "YesNoLabels",
    "balanced",
    "is_bio",
    "options_for",
    "resolved",
    "soft_dice",
]
