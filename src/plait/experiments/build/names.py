"""From a name in a configuration to a class, and from a recipe's name to its default settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plait.core.build import build
from plait.core.errors import ConfigError, unknown
from plait.core.families import FAMILIES, Family
from plait.core.lookup import find, names
from plait.experiments.config import Method, Methods
from plait.experiments.overrides import merge
from plait.recipes import Recipe


def method(named: Method, family: Family, **given: Any) -> Any:
    """Builds a method from its name and options.

    Args:
        named: the name in the family's `__all__`, or `package.module:Class`, with the options.
        family: one of `FAMILIES`.
        given: arguments that are not the user's to set.

    Raises:
        ConfigError: there is no such method, or an option breaks its rule.
    """
    cls = find(named.name, family.package, base=family.base, kind=family.noun)
    return build(cls, named.options, kind=family.noun, **given)


def methods(named: Methods, family: Family) -> list[Any]:
    """Builds one method, several, or none: an empty list for None."""
    several = named if isinstance(named, list) else [named]
    return [method(each, family) for each in several if each is not None]


def recipe_class(name: str) -> type[Recipe]:
    """Returns the recipe of a name: `Digits`, `digits`, `OxfordPets` or `oxford-pets`.

    Raises:
        ConfigError: there is no such recipe.
    """
    family = FAMILIES["recipes"]
    known = {kebab(each): each for each in recipe_names()}
    if name not in known and name not in known.values() and ":" not in name:
        raise ConfigError(unknown("recipe", name, known))
    return find(known.get(name, name), family.package, base=family.base, kind=family.noun)


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings laid on the defaults of the recipe that they name.

    Raises:
        ConfigError: they name no recipe.
    """
    recipe = settings.get("recipe")
    name = recipe.get("class") if isinstance(recipe, Mapping) else recipe
    if not isinstance(name, str):
        known = ", ".join(kebab(each) for each in recipe_names())
        raise ConfigError(f"name a recipe, such as `plait train digits`; known: {known}.")
    return merge(recipe_class(name).defaults, settings)


def recipe_names() -> list[str]:
    """Returns the class names of all recipes."""
    family = FAMILIES["recipes"]
    return names(family.package, family.base)


def kebab(name: str) -> str:
    """Returns a class name in kebab case.

    Example:
        >>> kebab("OxfordPets")
        'oxford-pets'
    """
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
