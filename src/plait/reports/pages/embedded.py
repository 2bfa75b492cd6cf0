"""Files of the gallery as `data:` addresses, so that the page holds all it shows."""

from __future__ import annotations

import base64
from pathlib import Path

from plait.core.errors import DataError
from plait.reports.read.files import inside, read_bytes
from plait.reports.read.gallery import HINT

# What a file has to begin with: the page is given nothing else
_KINDS = {
    "image/png": (b"\x89PNG\r\n\x1a\n", "PNG image"),
    "audio/flac": (b"fLaC", "FLAC sound"),
}


def image_address(path: Path, name: str) -> str:
    """Returns a PNG file as an address.

    Args:
        path: the gallery's file, which names it.
        name: of the file, relative to the gallery.

    Raises:
        DataError: it cannot be read, is no PNG image, or lies outside the gallery.
    """
    return _address(path, name, "image/png")


def sound_address(path: Path, name: str) -> str:
    """Returns a FLAC file as an address; see `image_address`."""
    return _address(path, name, "audio/flac")


def _address(path: Path, name: str, kind: str) -> str:
    file = inside(path.parent, name, named_in=path)
    content = read_bytes(file, hint=f"{path} names it. {HINT}")
    beginning, words = _KINDS[kind]
    if not content.startswith(beginning):
        raise DataError(f"{file} is no {words}, which {path} needs. {HINT}")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
