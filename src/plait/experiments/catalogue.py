"""All methods by family, read from `__all__`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from plait.core.docstrings import part_of, summary_of
from plait.core.errors import ConfigError, unknown
from plait.core.families import FAMILIES
from plait.core.lookup import names


def catalogue(family: str | None = None) -> dict[str, dict[str, dict[str, str]]]:
    """Returns `{family: {name: {"summary": what it does, ...}}}`.

    The summary is the first line of the docstring; "paper", "differs" and "cost" are its parts of
    that sense, where it has them. Balancing methods have all their `Traits`.

    Raises:
        ConfigError: there is no such family.
    """
    if family is not None and family not in FAMILIES:
        raise ConfigError(unknown("family", family, FAMILIES))
    chosen = FAMILIES if family is None else {family: FAMILIES[family]}
    return {
        name: {
            method: _entry(getattr(each.package, method))
            for method in names(each.package, each.base)
        }
        for name, each in chosen.items()
    }


def _entry(method: type[Any]) -> dict[str, str]:
    from plait.balancing import Balancer  # here: an unknown family is told without torch
    from plait.balancing.contract.traits import traits

    if issubclass(method, Balancer):
        return asdict(traits(method))
    parts = {"paper": "Reference", "differs": "Differs", "cost": "Cost"}
    told = {key: part_of(method, part) for key, part in parts.items()}
    return {"summary": summary_of(method)} | {key: text for key, text in told.items() if text}
