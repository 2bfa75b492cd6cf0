"""From the words of a command to settings that are checked as far as that needs no torch."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plait.core.launched import is_first


def read_settings(
    words: Sequence[str], problem: str | None = None, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Returns the settings of a command: those of a file, then those given, then its words.

    Args:
        words: `key=value`.
        problem: a file of settings, or the name or path of a recipe.
        given: what the command's own arguments set.

    Raises:
        ConfigError: a file that is missing or no YAML, a word without `=`, an unknown key, or a
            value that it cannot have.
    """
    from plait.experiments.config import check_early, is_file_of_settings, read_file
    from plait.experiments.overrides import merge, parse

    settings: dict[str, Any] = {} if problem is None else {"recipe": problem}
    if problem is not None:
        _check_problem(problem)
    if problem is not None and is_file_of_settings(problem):
        settings = read_file(Path(problem))
    settings = merge(merge(settings, given or {}), parse(words))
    check_early(settings)
    return settings


def _check_problem(problem: str) -> None:
    """Raises `ConfigError` for a table or a run folder where a file of settings is wanted."""
    from plait.core.errors import ConfigError
    from plait.data.table.read import FORMATS
    from plait.experiments.config import is_file_of_settings

    path = Path(problem)
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if FORMATS.keys() & set(suffixes) and suffixes[-1] not in (".yaml", ".yml"):
        raise ConfigError(
            f"{problem} is a table. Let `plait init {problem}` write a file of settings for it, "
            "and train on that."
        )
    if is_file_of_settings(problem) and path.is_dir():
        raise ConfigError(
            f"{problem} is a folder. Name a file of settings or a recipe; to go on with a run: "
            f"`plait train --resume {problem}`."
        )


def apart(words: Sequence[str | None]) -> tuple[str | None, list[str]]:
    """Tells the problem among the words of a command, in any order, from its `key=value` settings.

    Raises:
        ConfigError: two words are no settings.
    """
    from plait.core.errors import ConfigError

    given = [word for word in words if word is not None]
    names = [word for word in given if "=" not in word]
    if len(names) > 1:
        raise ConfigError(
            f"name one problem, and settings as key=value; found {' and '.join(map(repr, names))}."
        )
    return (names[0] if names else None), [word for word in given if "=" in word]


def named_problem(
    problem: str | None, words: Sequence[str], data: Path | None = None
) -> dict[str, Any]:
    """Returns the settings of a command about one problem, whose recipe exists.

    Args:
        problem: its first word, if it has one.
        words: the others, in any order.
        data: the data folder, if one is named.

    Raises:
        ConfigError: as `apart` and `read_settings`; also for a recipe that does not exist.
    """
    from plait.experiments.build.names import check_recipe, recipe_name

    name, settings = apart([problem, *words])
    given = {} if data is None else {"data": str(data)}
    read = read_settings(settings, name, given)
    check_recipe(recipe_name(read))
    return read


def announce(text: str) -> None:
    """Says on stderr what a command is about to do, before torch is loaded."""
    if is_first():
        print(f"plait: {text}", file=sys.stderr, flush=True)
