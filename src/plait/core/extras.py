"""Optional dependencies: one clear line where one is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from plait.core.errors import MissingExtraError


def need(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Imports and returns an optional `module`.

    Raises:
        MissingExtraError: it is not installed; the message gives the pip command.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{purpose} needs {error.name}, which is not installed: pip install 'plait[{extra}]'"
        ) from None
