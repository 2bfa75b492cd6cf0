"""Names of methods and of their options, checked before data are read; builds no method."""

from __future__ import annotations

from plait.core.build import check
from plait.core.families import FAMILIES
from plait.core.lookup import find_method, parameters
from plait.experiments.build.names import recipe_class
from plait.experiments.build.optimizer import optimizer_arguments, scheduler_maker
from plait.experiments.config import RunConfig
from plait.experiments.method import Method, Methods
from plait.recipes import Recipe, Table

OF_TABLES = ("columns", "dense")  # what an encoder is given with a table


def check_methods(config: RunConfig) -> None:
    """Checks all methods that settings name, and the names of the options that these are given.

    Values of options are checked by the methods themselves, once they are built.

    Raises:
        ConfigError: there is no such method, an option that it does not have, or one missing that
            it needs.
    """
    _check(config.balancing, "balancing")
    if config.encoder is not None:
        recipe = None if config.sources else recipe_class(config.recipe.name)
        _check_encoder(config.encoder, recipe)
    for source in (config.sources or {}).values():
        if source.stem is not None:
            _check_encoder(source.stem, recipe_class(source.recipe.name))
    if config.sources:
        _check(config.mixing, "data.mixing")
    _check(config.sharing, "sharing", "encoder")
    _check(config.connections, "connections")
    _check(config.regularization, "regularization")
    optimizer_arguments(config.optimizer)
    scheduler_maker(config.scheduler, steps=1, rate=1.0)


def _check(named: Methods, family: str, *given: str) -> None:
    noun = FAMILIES[family].noun
    for each in named if isinstance(named, list) else [named]:
        if each is not None:
            check(find_method(each.name, FAMILIES[family]), each.options, kind=noun, given=given)


def _check_encoder(named: Method, recipe: type[Recipe] | None) -> None:
    """Checks an encoder; a table's columns tell what one of a single column still needs.

    Args:
        named: the encoder.
        recipe: of the data that it reads; None for several data sets.
    """
    cls = find_method(named.name, FAMILIES["encoders"])
    of_table = recipe is not None and issubclass(recipe, Table)
    taken = parameters(cls).keys() - named.options.keys()
    given = [name for name in OF_TABLES if name in taken] if of_table else []
    whole = not of_table or "columns" in given
    check(cls, named.options, kind=FAMILIES["encoders"].noun, given=given, whole=whole)
