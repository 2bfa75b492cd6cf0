"""Known problems: data, tasks, encoder and defaults."""

from plait.recipes.base import Recipe
from plait.recipes.digits import Digits
from plait.recipes.oxford_pets import OxfordPets
from plait.recipes.pets import Pets

__all__ = ["Digits", "OxfordPets", "Pets", "Recipe"]
