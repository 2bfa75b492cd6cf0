"""`key=value` settings and YAML files as nested mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from plait.core.errors import ConfigError
from plait.experiments.unique_keys import UniqueKeys

MOST = 1_000_000  # values of a file of settings
EXPONENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a configuration file.

    Raises:
        ConfigError: the file is missing, no YAML, or no mapping.
    """
    if not path.is_file():
        raise ConfigError(f"there is no configuration file {path}.")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), UniqueKeys)
        _refuse_many(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply, or holds itself. Write it out.") from None
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path} must hold settings, `key: value`; found {type(content).__name__}."
        )
    return dict(_numbers(content))


def parse(settings: Sequence[str]) -> dict[str, Any]:
    """Returns ``["a=1", "b.c=x"]`` as ``{"a": 1, "b": {"c": "x"}}``; values are read as YAML.

    A method is named by its class and set by its options: ``sharing=MMoE sharing.experts=4``. An
    option that is a method itself likewise: ``sharing.by=LoRA sharing.by.rank=4``. So are an input
    or a task by its kind: ``tasks.price=number tasks.price.weight=2``, and a split by its column.
    The order of different keys does not matter; of two values of one key, the last counts.

    Args:
        settings: words of the command line.

    Raises:
        ConfigError: a word without `=`, a value that is no YAML, or options of what has none.

    Example:
        >>> parse(["optimizer=SGD", "optimizer.lr=1e-2", "epochs=3"])
        {'optimizer': {'class': 'SGD', 'lr': 0.01}, 'epochs': 3}
    """
    nested: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not all(key.split(".")):
            raise ConfigError(f"a setting must be key=value; found {setting!r}.")
        try:
            value = _numbers(yaml.load(text, UniqueKeys))
        except yaml.YAMLError:
            raise ConfigError(f"the value of {key!r} is not valid YAML: {text!r}.") from None
        _put(nested, key.split("."), value, setting)
    return nested


def _put(nested: dict[str, Any], path: list[str], value: Any, setting: str) -> None:
    """Sets one value; a name that gets options, or options that get a name, become a mapping."""
    place = nested
    for position, part in enumerate(path[:-1], start=1):
        known, word = place.get(part, {}), _word(path[:position])
        if isinstance(known, str) and word is not None:
            known = {word: known}
        elif not isinstance(known, dict):
            raise ConfigError(
                f"{setting!r} sets an option of {'.'.join(path[:position])!r}, which is "
                f"{known!r} and has none. Name one method there, or write it whole: "
                f"{part}={{{word or 'class'}: NAME, {path[position]}: ...}}."
            )
        place[part] = place = known
    known, word = place.get(path[-1]), _word(path)
    if isinstance(known, dict) and not isinstance(value, dict):
        if not isinstance(value, str) or word is None:
            options = ", ".join(known)
            raise ConfigError(
                f"{setting!r} is no name, so its options ({options}) have no effect. Name a "
                "method, or leave the options out."
            )
        value = {**known, word: value}
    place[path[-1]] = _laid(known, value, path)


def _word(path: Sequence[str]) -> str | None:
    """Returns the option that a single word stands for at a place of the settings; None if none.

    It is the class of a method, the kind of an input or a task, the column of a split; likewise
    within a source of several.
    """
    if path[0] == "sources":
        return _word(path[2:]) if len(path) > 2 else None
    if path[0] in ("inputs", "tasks"):
        return "kind" if len(path) == 2 else None
    if path[0] == "split":
        return "column" if len(path) == 1 else None
    return "class"


def merge(
    base: Mapping[str, Any], over: Mapping[str, Any], *, at: Sequence[str] = ()
) -> dict[str, Any]:
    """Returns `base` with `over` laid on it, at every depth.

    A mapping goes into a mapping key by key; another `class` replaces a method with its options,
    and another `kind` those of an input or a task. A list of names chooses among the entries of a
    mapping, and the others become null.

    Args:
        base: settings.
        over: settings that count more.
        at: the keys that lead to both; none where they are all settings of a run.

    Example:
        >>> merge({"tasks": {"a": {"weight": 2}, "b": {}}}, {"tasks": ["a"]})
        {'tasks': {'a': {'weight': 2}, 'b': None}}
        >>> merge({"optimizer": {"class": "AdamW", "lr": 0.1}}, {"optimizer": {"lr": 0.2}})
        {'optimizer': {'class': 'AdamW', 'lr': 0.2}}
        >>> merge({"optimizer": {"class": "AdamW", "lr": 0.1}}, {"optimizer": "SGD"})
        {'optimizer': {'class': 'SGD'}}
        >>> merge({"sharing": {"class": "Hard", "by": "A"}}, {"sharing": {"by": {"rank": 4}}})
        {'sharing': {'class': 'Hard', 'by': {'class': 'A', 'rank': 4}}}
        >>> merge({"tasks": {"a": "number"}}, {"tasks": {"a": {"weight": 2}}})
        {'tasks': {'a': {'kind': 'number', 'weight': 2}}}
    """
    merged = dict(base)
    for key, value in over.items():
        merged[key] = _laid(merged.get(key), value, [*at, key])
    return merged


def _laid(known: Any, value: Any, path: Sequence[str]) -> Any:
    """Returns one value laid on another, at a place of the settings."""
    word = _word(path)
    if word and isinstance(known, str) and isinstance(value, Mapping):
        known = {word: known}
    if isinstance(known, Mapping) and word in known and isinstance(value, str):
        value = {word: value}
    if isinstance(known, Mapping) and word not in known and _are_names(value):
        return {**{name: known.get(name, {}) for name in value}, **_without(known, value)}
    if not (isinstance(known, Mapping) and isinstance(value, Mapping)):
        return value
    if word in value and value[word] != known.get(word, value[word]):
        return dict(value)
    return merge(known, value, at=path)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _without(known: Mapping[str, Any], names: Sequence[str]) -> dict[str, None]:
    return dict.fromkeys(name for name in known if name not in names)


def _refuse_many(content: Any) -> None:
    """Raises an error for values that are few in a file, and beyond number once they are walked."""
    waiting, seen = [content], 0
    while waiting:
        seen += 1
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
        if seen + len(waiting) > MOST:
            raise yaml.YAMLError(
                f"with its aliases (*name) written out it has more than {MOST:,} values"
            )


def _numbers(value: Any) -> Any:
    """YAML 1.1 reads 1e-3 as a word; it is meant as a number."""
    if isinstance(value, str) and EXPONENT.fullmatch(value):
        return float(value)
    if isinstance(value, dict):
        return {str(key): _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return value
