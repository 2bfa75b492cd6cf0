"""Entries of a search as people write them: keys with their texts, and the choices of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from plait.core.errors import ConfigError
from plait.experiments.config import is_file_of_settings
from plait.experiments.known_methods import SETTINGS, check_known
from plait.experiments.overrides import parse, read_yaml
from plait.experiments.search.dimension import Choices

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})")


def check_entries(words: Sequence[str]) -> None:
    """Checks what can be said of a search before anything is loaded: that its methods exist.

    Args:
        words: as for `plait.experiments.search.read_space`.

    Raises:
        ConfigError: an entry without a key or a range, or a choice that is no method.

    Example:
        >>> check_entries(["optimizer.lr=1e-4..1e-2", "balancing=Equal,UPGrad"])
    """
    for key, text in pairs(words):
        if key in SETTINGS and text is not None:
            for choice in choices_in(key, text):
                check_known({key: choice})


def pairs(words: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yields `(key, text or list)` of words and files; None for a key alone."""
    for word in words:
        key, equals, text = word.partition("=")
        if equals:
            if not key or not text:
                raise ConfigError(f"a setting to search must be KEY=RANGE; found {word!r}.")
            yield key, text
        elif is_file_of_settings(word):
            for key, value in read_yaml(Path(word)).items():
                yield key, None if value is True else value
        else:
            yield word, None


def choices_in(key: str, text: Any) -> list[Any]:
    """Returns the choices that a text, or a list of a file, says."""
    found = parse([f"{key}=[{text}]"]) if isinstance(text, str) else text
    for part in key.split(".") if isinstance(text, str) else ():
        found = found[part]
    if not isinstance(found, list) or len(found) < 2:
        raise ConfigError(
            f"`{key}` needs a range, LOW..HIGH, or several choices, A,B,C; found {text!r}, which "
            "leaves nothing to search."
        )
    labels = Choices(key, tuple(found)).labels
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise ConfigError(f"`{key}` has the choice {twice} twice. Leave one out.")
    return found
