"""Settings by their keys: where a value stands, and settings with another value there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plait.core.lookup import parameters
from plait.experiments.method_options import GIVEN, hint_in, methods_of
from plait.experiments.overrides import merge

METHODS = ("sharing", "regularization", "connections", "balancing")


@dataclass(frozen=True)
class Option:
    """An option of a method that some settings name.

    Attributes:
        key: such as "sharing.experts"; of one of a list of methods, "connections.0.alpha".
        hint: its annotation.
        value: what the settings say, else the default; `...` where there is none.
    """

    key: str
    hint: Any
    value: Any


def own_options(settings: Mapping[str, Any], names: Sequence[str] = METHODS) -> list[Option]:
    """Returns the options of the methods that settings name, in the order of their constructors.

    Args:
        settings: of a run, as `RunConfig.described` has them.
        names: the settings that name a method, or a list of them.

    Raises:
        ConfigError: the settings name a method that does not exist.
    """
    return [
        Option(f"{key}.{name}", hint_in(cls, name), found if found is not None else default)
        for setting in names
        for key, cls in _placed(setting, settings)
        for name, default in _defaults(cls).items()
        for found in [value_at(settings, f"{key}.{name}")]
    ]


def value_at(settings: Any, key: str) -> Any:
    """Returns the value at a key, such as "optimizer.lr"; None where there is none.

    Example:
        >>> value_at({"connections": [{"class": "Hint", "alpha": 2.0}]}, "connections.0.alpha")
        2.0
    """
    for part in key.split("."):
        if isinstance(settings, list) and part.isdecimal() and int(part) < len(settings):
            settings = settings[int(part)]
        elif isinstance(settings, Mapping):
            settings = settings.get(part)
        else:
            return None
    return settings


def laid(settings: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Returns settings with another value at a key; another method goes without the old options.

    Example:
        >>> laid({"optimizer": {"class": "SGD", "lr": 1.0}}, "optimizer.lr", 0.5)
        {'optimizer': {'class': 'SGD', 'lr': 0.5}}
        >>> laid({"balancing": {"class": "CAGrad", "c": 0.2}}, "balancing", "Equal")
        {'balancing': {'class': 'Equal'}}
        >>> laid({"connections": [{"class": "Hint"}]}, "connections.0.alpha", 2.0)
        {'connections': [{'class': 'Hint', 'alpha': 2.0}]}
    """
    head, _, rest = key.partition(".")
    known = settings.get(head)
    index, _, inner = rest.partition(".")
    if isinstance(known, list) and index.isdecimal():
        own = known[int(index)]
        own = laid(own, inner, value) if inner else value
        return {**settings, head: [*known[: int(index)], own, *known[int(index) + 1 :]]}
    for part in reversed(rest.split(".") if rest else []):
        value = {part: value}
    return merge(settings, {head: value})


def _placed(setting: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, type[Any]]]:
    """Yields `(key, class)` of the methods that a setting names."""
    value = settings.get(setting)
    several = value if isinstance(value, list) else [value]
    for place, each in enumerate(several):
        key = f"{setting}.{place}" if isinstance(value, list) else setting
        for found, cls in methods_of(setting, {setting: each}, None):
            yield f"{key}{found.removeprefix(setting)}", cls


def _defaults(cls: type[Any]) -> dict[str, Any]:
    return {
        name: ... if each.default is each.empty else each.default
        for name, each in parameters(cls).items()
        if name not in GIVEN
    }
