"""From the name of a method in a configuration to an object."""

from __future__ import annotations

from typing import Any

from plait.core.build import build
from plait.core.families import Family
from plait.core.lookup import find_method
from plait.experiments.method import Method, Methods


def method(named: Method, family: Family, **given: Any) -> Any:
    """Builds a method from its name and options.

    Args:
        named: the name in the family's `__all__`, or `package.module:Class`, with the options.
        family: one of `FAMILIES`.
        given: arguments that are not the user's to set.

    Raises:
        ConfigError: there is no such method, or an option breaks its rule.
    """
    cls = find_method(named.name, family)
    return build(cls, named.options, kind=family.noun, **given)


def methods(named: Methods, family: Family) -> list[Any]:
    """Builds one method, several, or none: an empty list for None."""
    several = named if isinstance(named, list) else [named]
    return [method(each, family) for each in several if each is not None]
