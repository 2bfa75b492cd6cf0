"""From the name of a recipe to its class and its default settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.core.errors import ConfigError, unknown
from plait.core.families import FAMILIES
from plait.core.lookup import find_method, kebab, listed
from plait.experiments.overrides import merge

if TYPE_CHECKING:
    from plait.recipes import Recipe

OF_THE_DATA = ("inputs", "tasks", "split", "exclude", "encoder")  # defaults of a recipe alone


def recipe_class(name: str) -> type[Recipe]:
    """Returns the recipe of a name: `Digits`, `digits`, `OxfordPets` or `oxford-pets`.

    Raises:
        ConfigError: there is no such recipe.
    """
    check_recipe(name)
    family, known = FAMILIES["recipes"], _known_recipes()
    return find_method(known.get(name, name), family)


def check_recipe(name: str) -> None:
    """Raises `ConfigError` for a name that is neither a recipe's nor a path; loads no recipe."""
    known = _known_recipes()
    if name not in known and name not in known.values() and ":" not in name:
        raise ConfigError(unknown(FAMILIES["recipes"].noun, name, known))


def recipe_name(settings: Mapping[str, Any]) -> str:
    """Returns the name of the recipe in some settings; those of a table or of sources have one too.

    Raises:
        ConfigError: they name nothing.
    """
    if settings.get("sources") == {}:
        raise ConfigError(
            "setting 'sources' is empty. Name data sets, `sources: {NAME: {table: FILE, ...}}`, or "
            "leave it out."
        )
    several = "Combined" if settings.get("sources") else None
    recipe = settings.get("recipe", "Table" if settings.get("table") else several)
    name = recipe.get("class") if isinstance(recipe, Mapping) else recipe
    if not isinstance(name, str):
        known = ", ".join(_known_recipes())
        raise ConfigError(
            f"name a recipe, such as `plait train digits`, or a file of settings, such as `plait "
            f"train config.yaml`; known recipes: {known}."
        )
    return name


def run_name(settings: Mapping[str, Any]) -> str:
    """Returns a name for a run of some settings: that of the recipe, or of the table's file; of
    several data sets, "mixture".
    """
    if settings.get("sources"):
        return "mixture"
    table = settings.get("table")
    if table:
        return Path(str(table)).name.partition(".")[0] or "table"
    return kebab(recipe_name(settings).rpartition(":")[2])


def _known_recipes() -> dict[str, str]:
    """Returns `{name in kebab case: name of the class}`."""
    return {kebab(name): name for name in listed(FAMILIES["recipes"])}


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings laid on the defaults of the recipe that they name.

    Sources of one recipe, such as several tables, have its defaults for how to train.

    Raises:
        ConfigError: they name no recipe, or one that does not exist.
    """
    name = recipe_name(settings)
    sources = settings.get("sources")
    if not isinstance(sources, Mapping):
        return merge(recipe_class(name).defaults_for(settings), settings)
    own = [_defaults_of({"recipe": "Table", **each}) for each in sources.values()]
    alike = all(each == own[0] for each in own)
    common = own[0] if own and alike else recipe_class(name).defaults
    return merge({**common, "recipe": name}, settings)


def _defaults_of(source: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the defaults of one data set of several that are not about its data."""
    found = recipe_class(recipe_name(source)).defaults_for(source)
    return {key: each for key, each in found.items() if key not in OF_THE_DATA}
