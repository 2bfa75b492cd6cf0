"""Dataclasses as JSON files: written whole, read with every type checked.

A number that is not finite is null in the file, because JSON has no NaN; where the class says
`float`, it is NaN again when it is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from plait.core.errors import DataError
from plait.core.extras import need
from plait.core.files import write_json

T = TypeVar("T")


def write_typed(path: Path, value: Any) -> None:
    """Writes a dataclass as JSON, atomically."""
    write_json(path, without_nan(asdict(value)))


def read_typed(cls: type[T], path: Path, *, hint: str) -> T:
    """Reads a dataclass from JSON.

    Args:
        cls: the dataclass.
        path: the file.
        hint: what to do if it cannot be read; ends the message.

    Raises:
        DataError: the file cannot be read, is no JSON, or has a field that is missing, unknown or
            not of its type.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. {hint}") from None
    return parse_typed(cls, text, where=str(path), hint=hint)


def read_typed_if_there(cls: type[T], path: Path, *, hint: str) -> T | None:
    """Reads a dataclass from JSON; returns None if there is no such file. See `read_typed`."""
    return read_typed(cls, path, hint=hint) if path.is_file() else None


def parse_typed(cls: type[T], text: bytes | str, *, where: str, hint: str) -> T:
    """Returns JSON as a dataclass; see `read_typed`.

    Args:
        cls: the dataclass.
        text: the JSON.
        where: it is from, which begins the message.
        hint: what to do if it is damaged.
    """
    pydantic = need("pydantic", extra="app", purpose="A file of a run")
    try:
        values = json.loads(text)
    except ValueError as error:
        raise DataError(f"{where}: no JSON: {error}. {hint}") from None
    if not isinstance(values, Mapping):
        raise DataError(f"{where}: must hold names and values; found {values!r:.40}. {hint}")
    try:
        found: T = _reader(cast("Any", cls)).validate_python(_with_nan(cls, values))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        told = f"`{field}`: {message}" if field else message
        raise DataError(f"{where}: {told}. {hint}") from None
    return found


def without_nan(value: Any) -> Any:
    """Returns plain values with null for a number that is not finite."""
    if isinstance(value, Mapping):
        return {key: without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(hint: Any, value: Any) -> Any:
    """Returns plain values with NaN for null where a number is expected."""
    if hint is float:
        return math.nan if value is None else value
    if is_dataclass(hint) and isinstance(value, Mapping):
        hints = _hints(cast("Any", hint))
        return {key: _with_nan(hints.get(key), each) for key, each in value.items()}
    inner = get_args(hint)
    if get_origin(hint) is dict and isinstance(value, Mapping):
        return {key: _with_nan(inner[1], each) for key, each in value.items()}
    if get_origin(hint) is list and isinstance(value, list):
        return [_with_nan(inner[0], each) for each in value]
    return value


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


@cache
def _reader(cls: Any) -> Any:
    """Returns the reader of a class, for which unknown fields are errors."""
    from pydantic import ConfigDict, TypeAdapter

    # pydantic takes this configuration for a union, and not for a class by itself
    kind: Any = cls | None
    return TypeAdapter(kind, config=ConfigDict(extra="forbid"))
