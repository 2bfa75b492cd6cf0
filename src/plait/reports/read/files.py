"""Files of a run folder: read, checked, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from plait.core.errors import DataError

T = TypeVar("T")


def read_bytes(path: Path, *, hint: str) -> bytes:
    """Returns the content of a file.

    Raises:
        DataError: it cannot be read; the message ends with the `hint`.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. {hint}") from None


def parse(kind: TypeAdapter[T], text: bytes, *, where: str, hint: str) -> T:
    """Returns JSON as a value of the type of `kind`.

    Raises:
        DataError: it is no JSON, or not of that kind; the message begins with `where`, and ends
            with the `hint`.
    """
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        found = f"`{field}`: {message}" if field else message
        raise DataError(f"{where}: {found}. {hint}") from None


def inside(folder: Path, name: str, *, named_in: Path) -> Path:
    """Returns the path of a `name` within a `folder`, links followed.

    Raises:
        DataError: it leads out of the folder: the page would show a file that is not of the run.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DataError(
            f"{named_in} names {name!r}, which is outside {folder}. "
            "Copy it into the folder, and name it relative to the folder."
        )
    return path
