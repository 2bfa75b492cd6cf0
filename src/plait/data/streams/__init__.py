"""Data that are read in pieces: larger than memory, or without a length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.data.streams.pieces import OneByOne, Piece, Stream
    from plait.data.streams.row_stream import RowStream
    from plait.data.streams.stream_loader import StreamLoader

__all__ = ["OneByOne", "Piece", "RowStream", "Stream", "StreamLoader"]

lazy(__name__)
