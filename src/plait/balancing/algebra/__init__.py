"""Rows, points, cosines and logarithms: what the methods compute with."""

__all__: list[str] = []
