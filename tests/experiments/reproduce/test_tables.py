"""Every published table can be built: its settings are valid for each of its rows."""

from pathlib import Path

import pytest

from plait.core.errors import ConfigError
from plait.experiments import merge, recipe_class, validate, with_defaults
from plait.experiments.reproduce.published import PublishedTable
from plait.experiments.reproduce.tables import TABLES, find_table


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
@pytest.mark.parametrize("full", [False, True])
def test_settings_are_valid(table: PublishedTable, full: bool) -> None:
    config = validate(with_defaults(merge(table.settings, table.full if full else {})))
    for row in table.rows:
        validate(merge(config.described(), row.settings))
    assert recipe_class(config.recipe.name) is not None


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_what_differs_is_said(table: PublishedTable) -> None:
    assert table.differs and all(sentence.endswith(".") for sentence in table.differs)
    assert any(row.published for row in table.rows)


def test_a_wrong_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'tox21'"):
        find_table("tox-21")
