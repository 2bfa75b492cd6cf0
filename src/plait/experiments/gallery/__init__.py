"""Test examples with what is true and what was predicted, as files for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.gallery.write import write_gallery

__all__ = ["write_gallery"]

lazy(__name__)
