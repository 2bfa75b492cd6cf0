"""All methods by family, read from `__all__`, and one method with its options."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from plait.core.docstrings import part_of, summary_of
from plait.core.errors import ConfigError, suggest
from plait.core.families import FAMILIES, Family
from plait.core.lookup import kebab, listed, names


def catalogue(family: str | None = None) -> dict[str, dict[str, dict[str, str]]]:
    """Returns `{family: {name: {"summary": what it does, ...}}}`, names in alphabetical order.

    The summary is the first line of the docstring; "paper", "differs" and "cost" are its parts of
    that sense, where it has them. Balancing methods have all their `Traits`.

    Raises:
        ConfigError: there is no such family.
    """
    if family is not None and family not in FAMILIES:
        raise _unknown(family)
    chosen = FAMILIES if family is None else {family: FAMILIES[family]}
    return {
        name: {
            method: _entry(getattr(each.package, method))
            for method in sorted(names(each.package, each.base), key=str.lower)
        }
        for name, each in chosen.items()
    }


def entry(name: str) -> dict[str, Any]:
    """Returns all that there is to say of one method.

    That is its "name", its "family" and the "setting" that names it, what `catalogue` says, and its
    "options": `{option: {"takes": ..., "default": ..., "meaning": ...}}`. An option without a
    default has to be given.

    Args:
        name: of a class, such as "CAGrad"; a recipe's also as the command line has it.

    Raises:
        ConfigError: there is no such method.
    """
    found = _family_and_name(name)
    if found is None:
        raise _unknown(name)
    from plait.experiments.method_options import (
        method_options,  # here: an error is told without torch
    )

    family, name = found
    method = getattr(family.package, name)
    options = {
        option.key: {
            "takes": option.takes,
            **({} if option.default is ... else {"default": option.default}),
            "meaning": option.meaning,
        }
        for option in method_options(method)
    }
    about = {"name": name, "family": family.name, "setting": family.setting}
    return {**about, **_entry(method), "options": options}


def _family_and_name(name: str) -> tuple[Family, str] | None:
    """Returns the family of a method and its name as the code has it; imports no method."""
    for family in FAMILIES.values():
        for known in listed(family):
            if name.lower() in (known.lower(), kebab(known)):
                return family, known
    return None


def _unknown(name: str) -> ConfigError:
    methods = [known for family in FAMILIES.values() for known in listed(family)]
    near = suggest(name, [*FAMILIES, *methods])
    return ConfigError(f"unknown family or method {name!r}; families: {', '.join(FAMILIES)}.{near}")


def _entry(method: type[Any]) -> dict[str, str]:
    from plait.balancing import Balancer  # here: an unknown family is told without torch
    from plait.balancing.contract.traits import traits

    if issubclass(method, Balancer):
        return asdict(traits(method))
    parts = {"paper": "Reference", "differs": "Differs", "cost": "Cost"}
    told = {key: part_of(method, part) for key, part in parts.items()}
    return {"summary": summary_of(method)} | {key: text for key, text in told.items() if text}
