"""The gallery of a run folder as typed values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter

from plait.core.errors import DataError
from plait.reports.read.files import parse, read_bytes
from plait.runs.folder import EXAMPLES
from plait.runs.gallery import Example, Gallery, Shown
from plait.runs.gallery_inputs import Input

HINT = "Save the examples again, or remove the folder: the report then goes without."


@dataclass(frozen=True, kw_only=True)
class _Example(Example):
    """An example of which an error names the input by its kind, and the view by its geometry."""

    inputs: list[Annotated[Input, Field(discriminator="kind")]]
    views: list[Annotated[Shown, Field(discriminator="geometry")]]


@dataclass(frozen=True, kw_only=True)
class _Gallery(Gallery):
    """The examples as they are read."""

    examples: Sequence[_Example]


# Unknown fields and numbers that are not finite are errors; see `read.comparison` for the union.
_GALLERY: TypeAdapter[_Gallery | None] = TypeAdapter(
    _Gallery | None, config=ConfigDict(extra="forbid", allow_inf_nan=False)
)


def read_gallery(folder: Path) -> list[Example] | None:
    """Returns the examples of a run folder, or None where it has no gallery.

    Raises:
        DataError: the file is broken.
    """
    path = folder / EXAMPLES
    if not path.exists():
        return None
    found = parse(_GALLERY, read_bytes(path, hint=HINT), where=str(path), hint=HINT)
    if found is None:
        raise DataError(f"{path} holds no gallery, but null. {HINT}")
    return list(found.examples)
