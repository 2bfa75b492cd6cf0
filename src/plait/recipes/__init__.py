"""Known problems: data, tasks, encoder and defaults."""

from plait.recipes.adult import Adult
from plait.recipes.atis import Atis
from plait.recipes.base import Recipe
from plait.recipes.census_income import CensusIncome
from plait.recipes.combined import Combined
from plait.recipes.digits import Digits
from plait.recipes.digits_everywhere import DigitsEverywhere
from plait.recipes.energy import Energy
from plait.recipes.fsdd import Fsdd
from plait.recipes.gum import Gum
from plait.recipes.hillstrom import Hillstrom
from plait.recipes.landmine import Landmine
from plait.recipes.meld import Meld
from plait.recipes.multi_fashion import MultiFashion
from plait.recipes.multi_mnist import MultiMnist
from plait.recipes.oxford_pets import OxfordPets
from plait.recipes.pets import Pets
from plait.recipes.sarcos import Sarcos
from plait.recipes.school import School
from plait.recipes.table import Table
from plait.recipes.table_demo import TableDemo
from plait.recipes.tox21 import Tox21
from plait.recipes.wine import Wine
from plait.recipes.yeast import Yeast

__all__ = [
    "Adult",
    "Atis",
    "CensusIncome",
    "Combined",
    "Digits",
    "DigitsEverywhere",
    "Energy",
    "Fsdd",
    "Gum",
    "Hillstrom",
    "Landmine",
    "Meld",
    "MultiFashion",
    "MultiMnist",
    "OxfordPets",
    "Pets",
    "Recipe",
    "Sarcos",
    "School",
    "Table",
    "TableDemo",
    "Tox21",
    "Wine",
    "Yeast",
]
