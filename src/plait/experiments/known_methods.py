"""Names of methods in some settings, checked without loading any method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plait.core.families import FAMILIES, Family
from plait.core.lookup import check_listed

# The order in which a run builds them. Those of torch, and those that an option of a method names,
# are told by `plait.experiments.build.known`, which has to load them.
SETTINGS = ("balancing", "encoder", "mixing", "sharing", "connections", "regularization")


def check_known(settings: Mapping[str, Any]) -> None:
    """Checks that the methods exist which the settings of a run name, or those of its sources.

    A path, ``package.module:Class``, may be anything. Recipes are not looked at.

    Raises:
        ConfigError: there is no such method.
    """
    families = {family.setting: family for family in FAMILIES.values()}
    for setting in SETTINGS:
        _check(settings.get(setting), families[setting])
    sources = settings.get("sources")
    for source in sources.values() if isinstance(sources, Mapping) else ():
        _check(source.get("stem"), families["encoder"])


def _check(value: Any, family: Family) -> None:
    for name in _names(value):
        check_listed(name, family)


def _names(value: Any) -> Iterator[str]:
    """Yields the names of a method, or of a list of them."""
    for each in value if isinstance(value, list) else [value]:
        name = each.get("class", each.get("name")) if isinstance(each, Mapping) else each
        if isinstance(name, str):
            yield name
