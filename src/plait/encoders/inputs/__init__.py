"""Encoders of several inputs: one for each, and the stages that bring them together."""

from plait.encoders.inputs.chosen import chosen, encoder_for, example_for, told_by
from plait.encoders.inputs.join import Carry, Concatenate, Lay, pointwise

__all__ = [
    "Carry",
    "Concatenate",
    "Lay",
    "chosen",
    "encoder_for",
    "example_for",
    "pointwise",
    "told_by",
]
