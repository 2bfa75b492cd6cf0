"""Refusals of settings in sentences: the errors of pydantic in the words of plait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from pydantic.fields import FieldInfo

from plait.core.errors import ConfigError, nearest
from plait.experiments.method import Method, Methods
from plait.training.options import GroupOptions

# What pydantic says of a value that no member of a union takes, once for each member.
UNION = ("list_type", "dict_type", "string_type", "literal_error")
NUMBER = ("int", "constrained-int")

# What other libraries and papers call some options that are set with a dot.
COMMON = {option.name: f"optimizer.{option.name}" for option in fields(GroupOptions)} | {
    "learning_rate": "optimizer.lr",
    "learning-rate": "optimizer.lr",
    "wd": "optimizer.weight_decay",
}


def refusal(
    errors: Iterable[dict[str, Any]],
    settings: Mapping[str, Any],
    known: Mapping[str, FieldInfo],
) -> ConfigError:
    """Returns the error that tells all that is wrong.

    Args:
        errors: of pydantic.
        settings: that were given.
        known: `{setting: field}`.
    """
    found = list(errors)
    told = [each for each in found if not no_list(each)] or found
    return ConfigError(
        "\n".join(dict.fromkeys(_line(each, settings, known) for each in _joined(told)))
    )


def no_list(error: Mapping[str, Any]) -> bool:
    """Whether an error says that a method is no list: it may be one method, or a list."""
    return error["type"] == "list_type" and error["loc"][0] in ("regularization", "connections")


def _joined(errors: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yields the errors, those of the members of one union as one."""
    by_setting: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for each in errors:
        setting = each["loc"][: 3 if each["loc"][0] == "sources" else 1]
        by_setting.setdefault(setting, []).append(each)
    for setting, several in by_setting.items():
        union = all(each["type"] in UNION or each["loc"][-1] in NUMBER for each in several)
        if union and len(several) > 1:
            kinds = " or ".join(each["msg"].removeprefix("Input should be ") for each in several)
            yield {**several[0], "loc": setting, "msg": f"input should be {kinds}"}
        else:
            yield from several


def _line(
    error: dict[str, Any], settings: Mapping[str, Any], known: Mapping[str, FieldInfo]
) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = _meant(key, settings, known)
        hint = f"Did you mean {near!r}?" if near else "All settings: `plait train --help-settings`."
        return f"unknown setting {key!r}. {hint}"
    if error["type"] == "missing" and error["loc"][-1] == "class":
        key = str(error["loc"][0])
        return (
            f"setting {key!r} has options, but names no method; found {error['input']!r}. Name "
            f"one: {key}=NAME."
        )
    rule = "input should be settings, `name: value`"
    if error["type"] not in ("model_type", "model_attributes_type") and key != "sources":
        rule = error["msg"].lower()
    return f"setting {key!r}: {rule}; found {error['input']!r}."


def _meant(key: str, settings: Mapping[str, Any], known: Mapping[str, FieldInfo]) -> str | None:
    """Returns the setting that an unknown key may stand for; None where none is near.

    Options of the methods that a run names are looked up last: their classes take seconds to load.
    """
    near = COMMON.get(key.lower()) or nearest(key, known, cutoff=0.75)
    if near:
        return near
    from plait.experiments.method_options import nested_keys

    methods = {
        name: field.default if isinstance(field.default, str) else None
        for name, field in known.items()
        if field.annotation in (Method, Method | None, Methods)
    }
    nested = nested_keys({name: each for name, each in settings.items() if name != key}, methods)
    last = {name.rpartition(".")[2]: name for name in reversed(nested)}
    near = nearest(key, last, cutoff=0.75)
    return last[near] if near else nearest(key, known)
