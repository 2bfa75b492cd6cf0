"""The options of methods with their defaults and meaning, from constructors and docstrings."""

from __future__ import annotations

import inspect
import types
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import torch

from plait.core.annotations import hint_of
from plait.core.docstrings import arguments_of
from plait.core.errors import ConfigError
from plait.core.families import FAMILIES
from plait.core.lookup import find, find_method, parameters
from plait.experiments.build.names import recipe_class, recipe_name, with_defaults
from plait.training import Trainer
from plait.training.options import GroupOptions

# What plait gives a method itself, so that no setting does.
GIVEN = (
    *("encoder", "data", "params", "optimizer"),
    *("columns", "inputs", "tasks", "split", "exclude", "progress"),
)


@dataclass(frozen=True)
class Setting:
    """One setting of a run, or one option of a method.

    Attributes:
        key: its name, such as "epochs" or "optimizer.lr".
        takes: the type or the choices, such as "int of at least 1".
        default: the value that it has if nothing is said; `...` where there is none.
        meaning: what it does, in a sentence or two; empty for classes of torch.
    """

    key: str
    takes: str
    default: Any
    meaning: str


def method_options(cls: type[Any], prefix: str = "") -> list[Setting]:
    """Returns the options of a method, in the order of its constructor.

    Args:
        cls: the class of the method.
        prefix: goes before each name, such as "balancing.".

    Example:
        >>> from plait.balancing import CAGrad
        >>> [(option.key, option.takes, option.default) for option in method_options(CAGrad)]
        [('c', 'float', 0.4), ('rescale', '0 | 1 | 2', 1)]
    """
    ours = cls.__module__.partition(".")[0] != "torch"
    meanings = arguments_of(cls) if ours else {}
    return [
        Setting(
            prefix + name,
            takes(hint_in(cls, name)),
            ... if parameter.default is parameter.empty else parameter.default,
            meanings.get(name, ""),
        )
        for name, parameter in parameters(cls).items()
        if name not in GIVEN
    ]


def options_of_methods(
    setting: str, settings: Mapping[str, Any], default: str | None
) -> list[Setting]:
    """Returns the options of the methods that one setting of a run names, itself or by an option.

    Args:
        setting: the key, such as "sharing".
        settings: all settings of the run; values that they give count as defaults.
        default: the method that the setting names if nothing is said.

    Raises:
        ConfigError: there is no such method.
    """
    found = [
        option
        for key, cls in methods_of(setting, settings, default)
        for option in method_options(cls, f"{key}.")
    ]
    if setting == "optimizer":
        found = _group_options(found)
    return [_set(option, settings) for option in found]


def nested_keys(settings: Mapping[str, Any], defaults: Mapping[str, str | None]) -> list[str]:
    """Returns the keys with a dot that a run has, such as "sharing.experts".

    Args:
        settings: of the run.
        defaults: `{setting: method if nothing is said}`, of the settings that can name one.
    """
    found: list[str] = []
    with suppress(ConfigError):  # a recipe that does not exist is told at its own place
        recipe_name(settings)
        settings = with_defaults(settings)
    for setting, default in defaults.items():
        with suppress(ConfigError):  # likewise
            found += [each.key for each in options_of_methods(setting, settings, default)]
    return found


def methods_of(
    name: str, chosen: Mapping[str, Any], default: str | None
) -> Iterator[tuple[str, type[Any]]]:
    """Yields `(key, class)` of each method that a setting names, itself or by an option.

    Args:
        name: the setting, such as "sharing".
        chosen: all settings of a run.
        default: the method that the setting names if nothing is said.

    Raises:
        ConfigError: there is no such method.
    """
    places = {name: chosen.get(name, default)}
    if isinstance(places[name], Mapping):
        keys = [family.setting for family in FAMILIES.values() if family.setting]
        inner = [key for key in keys if key.startswith(f"{name}.")]
        places |= {key: places[name].get(key.rpartition(".")[2]) for key in inner}
    for key, value in places.items():
        word = value.get("class", default) if isinstance(value, Mapping) else value
        cls = _class_of(key, word) if isinstance(word, str) else None
        if cls is not None:
            yield key, cls


def _class_of(key: str, name: str) -> type[Any] | None:
    """Returns the class that a setting names; None for a setting that names none."""
    if key == "recipe":
        return recipe_class(name)
    if key == "optimizer":
        return find(name, torch.optim, base=torch.optim.Optimizer, kind=key)
    if key == "scheduler":
        schedulers = torch.optim.lr_scheduler
        return find(name, schedulers, base=schedulers.LRScheduler, kind=key)
    family = next((each for each in FAMILIES.values() if each.setting == key), None)
    if family is None:
        return None
    return find_method(name, family)


def _group_options(options: list[Setting]) -> list[Setting]:
    """Puts plait's own defaults of the learning rate and the weight decay before torch's."""
    meanings = arguments_of(Trainer)
    common = {f"optimizer.{name}": name for name in parameters(GroupOptions)}
    first = [
        Setting(key, "float", getattr(GroupOptions, name), meanings[name])
        for key, name in common.items()
    ]
    return [*first, *(option for option in options if option.key not in common)]


def _set(option: Setting, chosen: Mapping[str, Any]) -> Setting:
    """Returns an option with the value that some settings give it."""
    value: Any = chosen
    for part in option.key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return option
        value = value[part]
    return replace(option, default=name_of(value))


def name_of(value: Any) -> Any:
    """Returns the name of a method, whose options have lines of their own."""
    return value["class"] if isinstance(value, Mapping) and "class" in value else value


def hint_in(cls: type[Any], name: str) -> Any:
    """Returns the annotation of an option, in quotes where it cannot be resolved."""
    try:
        return hint_of(cls.__init__, name)
    except NameError:  # a name that its module has for type checkers alone
        return parameters(cls)[name].annotation


def takes(hint: Any) -> str:
    """Returns an annotation in words, as one would write the values in YAML."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any or hint is inspect.Parameter.empty:
        return ""
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(map(takes, inner)))
    if origin is Literal:
        return " | ".join(map(str, inner))
    if origin is Annotated:
        return " ".join([takes(inner[0]), *map(str, inner[1:])])
    if hint is types.NoneType:
        return "null"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "{" + ": ".join(map(takes, inner)) + "}"
    if isinstance(origin, type) and issubclass(origin, Collection):
        return "[" + ", ".join("..." if each is Ellipsis else takes(each) for each in inner) + "]"
    return {"Method": "name", "str": "word"}.get(
        getattr(hint, "__name__", ""), getattr(hint, "__name__", str(hint))
    )
