"""The model: sharing, connections, regularization and heads under one roof."""

from plait.model.model import MultiTaskModel
from plait.model.transfer import NewTasks, Transfer

__all__ = ["MultiTaskModel", "NewTasks", "Transfer"]
