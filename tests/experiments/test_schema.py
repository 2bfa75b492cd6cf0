import json
from typing import Any

import pytest

from plait.core.families import FAMILIES
from plait.core.lookup import listed
from plait.experiments.config import RunConfig, validate
from plait.experiments.schema import settings_schema

SCHEMA = settings_schema()


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """A slow reading of the part of JSON Schema that is used."""
    if "anyOf" in schema:
        return any(fits(value, each) for each in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if "const" in schema:
        return value == schema["const"]
    kinds = {
        "string": str,
        "boolean": bool,
        "null": type(None),
        "object": dict,
        "array": list,
        "integer": int,
        "number": (int, float),
    }
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return False
    if isinstance(value, dict):
        known = schema.get("properties", {})
        more = schema.get("additionalProperties", True)
        return all(
            fits(each, known[key]) if key in known else more and (more is True or fits(each, more))
            for key, each in value.items()
        )
    if isinstance(value, list):
        items = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        return all(fits(each, rule) for each, rule in zip(value, items, strict=False))
    least = schema.get("minimum")
    return least is None or value >= least


GOOD: list[dict[str, Any]] = [
    {},
    {"recipe": "digits", "balancing": "UPGrad", "sharing": {"class": "MMoE", "experts": 4}},
    {"optimizer": {"lr": 0.1}, "regularization": ["L21", {"class": "PairwiseL2"}], "epochs": 3},
    {"table": "t.csv", "split": {"val": 0.1}, "inputs": {"a": "number", "b": {"kind": "tags"}}},
    {"tasks": ["a"], "minutes": 2.5, "encoder": "my.module:Net", "scheduler": None},
    {"tasks": {"a": {"kind": "number", "error": "huber"}, "b": "yes/no", "c": None}},
    {"sources": {"a": {"table": "a.csv", "inputs": {"x": "number"}, "stem": "MLPEncoder"}}},
    {"sources": {"a": {"recipe": "digits", "batch_size": 8}}, "mixing": "RoundRobin", "steps": 5},
]
BAD: list[dict[str, Any]] = [
    {"epoch": 3},
    {"epochs": "many"},
    {"epochs": 0},
    {"inputs": {"a": "numbr"}},
    {"inputs": {"a": {"kind": "number", "mising": "?"}}},
    {"tasks": {"a": {"kind": "numbr"}}},
    {"balancing": 3},
    {"sources": {"a": {"tabel": "a.csv"}}},
    {"sources": {"a": {"table": "a.csv", "inputs": {"x": "numbr"}}}},
    {"steps": 0},
]


@pytest.mark.parametrize("settings", GOOD)
def test_what_is_valid_fits(settings: dict[str, Any]) -> None:
    assert fits(settings, SCHEMA)


@pytest.mark.parametrize("settings", BAD)
def test_what_is_invalid_does_not(settings: dict[str, Any]) -> None:
    assert not fits(settings, SCHEMA)


def test_a_resolved_configuration_fits() -> None:
    described = validate({"recipe": "digits", "balancing": "CAGrad"}).described()
    assert fits(json.loads(json.dumps(described)), SCHEMA)


def test_every_setting_has_its_meaning_and_every_method_its_name() -> None:
    assert SCHEMA["properties"].keys() == RunConfig.model_fields.keys()
    assert all(each.get("description") for each in SCHEMA["properties"].values())
    offered = SCHEMA["properties"]["balancing"]["anyOf"][0]["anyOf"][0]["enum"]
    assert offered == listed(FAMILIES["balancing"])
