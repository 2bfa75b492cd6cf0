"""All published tables by name, with what each needs and how long it takes."""

from __future__ import annotations

from plait.core.errors import ConfigError, unknown
from plait.experiments.reproduce.census_income import CENSUS_INCOME
from plait.experiments.reproduce.multi_mnist import MULTI_MNIST
from plait.experiments.reproduce.published import PublishedTable
from plait.experiments.reproduce.tox21 import TOX21

TABLES = {table.name: table for table in (MULTI_MNIST, TOX21, CENSUS_INCOME)}


def find_table(name: str) -> PublishedTable:
    """Returns a table by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in TABLES:
        raise ConfigError(unknown("table", name, TABLES))
    return TABLES[name]
