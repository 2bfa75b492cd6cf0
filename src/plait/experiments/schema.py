"""The JSON Schema of a file of settings, by which editors complete and check it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from plait.core.families import FAMILIES
from plait.core.lookup import kebab, listed
from plait.data.table.described import TargetKind
from plait.data.table.described_inputs import Input, InputKind
from plait.data.table.media import OPTIONS
from plait.experiments.config import RunConfig
from plait.experiments.method import Method, Methods
from plait.experiments.settings_list import run_settings
from plait.experiments.sources import SourceConfig

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def settings_schema() -> dict[str, Any]:
    """Returns the JSON Schema of all settings, with their meanings and the methods' names.

    Names are offered, not prescribed: a class of the user's own stands as `module:Class`.
    """
    found: dict[str, Any] = RunConfig.model_json_schema() | {"description": "A run of plait."}
    properties = found["properties"]
    for setting in run_settings():
        if setting.key in properties:
            properties[setting.key]["description"] = setting.meaning
    names = {family.setting: listed(family) for family in FAMILIES.values() if family.setting}
    names["recipe"] = [kebab(name) for name in names["recipe"]]
    for key, field in RunConfig.model_fields.items():
        if field.annotation in (Method, Method | None, Methods):
            one = _method(names.get(key, ()))
            several = field.annotation == Methods
            choices = [*one, {"type": "array", "items": {"anyOf": one}}] if several else one
            _choose(properties[key], choices)
    kinds = {"missing": {}, "separator": {"type": "string"}, "format": {"type": "string"}}
    assert kinds.keys() | {"kind", "media"} == Input.__dataclass_fields__.keys()
    kinds |= {option: {} for media in OPTIONS.values() for option in media.__dataclass_fields__}
    inputs = _described(get_args(InputKind), kinds, more=False)
    tasks = _described(get_args(TargetKind), {"weight": {"type": "number"}}, more=True)
    _choose(properties["inputs"], [{"type": "object", "additionalProperties": inputs}])
    by_name = {"type": "object", "additionalProperties": tasks}
    _choose(properties["tasks"], [{"type": "array", "items": {"type": "string"}}, by_name])
    source = found.get("$defs", {}).get(SourceConfig.__name__, {}).get("properties", {})
    for key in source:
        source[key] = properties[key] if key in properties else source[key]
    named = _method(names["encoder"])
    _choose(source["stem"], named)
    one_source = {"type": "object", "properties": source, "additionalProperties": False}
    _choose(properties["sources"], [{"type": "object", "additionalProperties": one_source}])
    found.pop("$defs", None)
    return {"$schema": DRAFT, **found, "title": "Settings"}


def _method(names: Iterable[str]) -> list[dict[str, Any]]:
    """Returns the forms of a method: its name, or a mapping with its class and options."""
    name = {"anyOf": [{"enum": list(names)}, {"type": "string"}]} if names else {"type": "string"}
    return [name, {"type": "object", "properties": {"class": name}}]


def _described(kinds: Iterable[str], options: dict[str, Any], *, more: bool) -> dict[str, Any]:
    """Returns the forms of a column: its kind, or a mapping with kind and options, or null."""
    kind = {"enum": list(kinds)}
    mapping = {"type": "object", "properties": {"kind": kind, **options}}
    return {"anyOf": [kind, {**mapping, "additionalProperties": more}, {"type": "null"}]}


def _choose(prop: dict[str, Any], choices: list[dict[str, Any]]) -> None:
    """Lets a property be one of some forms, or null where that is its default."""
    kept: dict[str, Any] = {key: prop[key] for key in ("description", "default") if key in prop}
    null = [{"type": "null"}] if prop.get("default", ...) is None else []
    prop.clear()
    prop.update(kept | {"anyOf": [*choices, *null]})
