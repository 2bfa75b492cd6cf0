"""Known problems: data, tasks, encoder and defaults."""

from plait.recipes.base import Recipe
from plait.recipes.digits import Digits
from plait.recipes.landmine import Landmine
from plait.recipes.oxford_pets import OxfordPets
from plait.recipes.pets import Pets
from plait.recipes.school import School
from plait.recipes.table import Table

__all__ = ["Digits", "Landmine", "OxfordPets", "Pets", "Recipe", "School", "Table"]
