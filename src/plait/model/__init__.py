"""The model: sharing, connections, regularization and heads under one roof."""

from plait.model.model import MultiTaskModel

__all__ = ["MultiTaskModel"]
