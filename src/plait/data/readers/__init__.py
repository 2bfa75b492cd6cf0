"""Columns whose values are read row by row: pictures, masks, maps, sounds and sentences.

A reader has a length and gives the value of a row, ``reader[row]``. Files are read when they are
asked for, in whatever process asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.data.readers.files import Files
    from plait.data.readers.images import Images
    from plait.data.readers.kept import Kept
    from plait.data.readers.maps import Maps
    from plait.data.readers.masks import Masks
    from plait.data.readers.sounds import Sounds
    from plait.data.readers.tags import Tags
    from plait.data.readers.texts import Texts

__all__ = ["Files", "Images", "Kept", "Maps", "Masks", "Sounds", "Tags", "Texts"]

lazy(__name__)
