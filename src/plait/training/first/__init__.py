"""The check of the first steps: can each task learn?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.training.first.steps import FirstSteps, Seen
    from plait.training.first.words import judged

__all__ = ["FirstSteps", "Seen", "judged"]

lazy(__name__)
