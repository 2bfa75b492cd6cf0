"""Names of recipes, and the defaults that they bring."""

from typing import Any

import pytest

from plait.core.errors import ConfigError
from plait.experiments import recipe_class, with_defaults
from plait.recipes import Digits, OxfordPets
from tests.experiments.tiny import TINY, Tiny


def test_recipes_are_found_by_three_names() -> None:
    assert recipe_class("Digits") is recipe_class("digits") is Digits
    assert recipe_class("oxford-pets") is recipe_class("OxfordPets") is OxfordPets
    assert recipe_class("tests.experiments.tiny:Tiny") is Tiny


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("digit", r"unknown recipe 'digit'; known: adult, .*, yeast\. Did you mean"),
        ("Recipe", "unknown recipe 'Recipe'"),
        ("tests.experiments.tiny:Tine", "cannot import recipe"),
        ("tests.experiments.nowhere:Tiny", "cannot import recipe"),
        ("tests.experiments.tiny:Doubled", "is no recipe: it must be a subclass of Recipe"),
        ("plait.recipes:Recipe", "is a base class"),
        (":", "is no path to a class"),
    ],
)
def test_unknown_recipes_are_refused(name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        recipe_class(name)


def test_defaults_of_the_recipe_give_way() -> None:
    found = with_defaults({"recipe": {"class": TINY, "examples": 8}, "epochs": 7})
    assert found["recipe"] == {"class": TINY, "examples": 8}
    assert found["epochs"] == 7
    assert found["batch_size"] == Tiny.defaults["batch_size"]
    found = with_defaults({"recipe": TINY, "optimizer": {"lr": 1.0}})
    assert found["optimizer"] == {"class": "SGD", "lr": 1.0, "momentum": 0.9}
    found = with_defaults({"recipe": TINY, "optimizer": "Adam"})
    assert found["optimizer"] == {"class": "Adam"}


@pytest.mark.parametrize("settings", [{}, {"recipe": None}, {"recipe": {"scenes": 3}}])
def test_settings_without_a_recipe_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="name a recipe, such as `plait train digits`"):
        with_defaults(settings)
