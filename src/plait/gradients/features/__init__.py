"""Gradients at a representation that the tasks share."""

__all__: list[str] = []
