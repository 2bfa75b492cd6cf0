"""Published tables: trained again, and set beside the figures of their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.reproduce.descent import descend
    from plait.experiments.reproduce.methods import balancing_methods
    from plait.experiments.reproduce.published import Column, PublishedTable, Row
    from plait.experiments.reproduce.reproduce import reproduce
    from plait.experiments.reproduce.school import school
    from plait.experiments.reproduce.tables import find_table
    from plait.experiments.reproduce.toy import toy

__all__ = [
    "Column",
    "PublishedTable",
    "Row",
    "balancing_methods",
    "descend",
    "find_table",
    "reproduce",
    "school",
    "toy",
]

lazy(__name__)
