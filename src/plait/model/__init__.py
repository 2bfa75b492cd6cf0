"""The model: sharing, connections, regularization and heads under one roof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.model.model import MultiTaskModel
    from plait.model.options import NewTasks
    from plait.model.transfer import Transfer

__all__ = ["MultiTaskModel", "NewTasks", "Transfer"]

lazy(__name__)
