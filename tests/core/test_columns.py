import json

import pytest

from plait.core.columns import Column
from plait.core.errors import ConfigError

COLUMNS = [
    Column("age", "number", center=[40.0], scale=[12.0], missing=[0.1], edges=[[17.0, 40.0, 90.0]]),
    Column("colour", "category", values=["blue", "red"]),
    Column(
        "bought",
        "tags",
        values=["a", "b"],
        center=[0.0, 0.5],
        scale=[1.0, 0.5],
        missing=[0.0, 0.0],
        edges=[[0.0, 1.0], [0.0, 1.0]],
        form=";",
    ),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.kind)
def test_a_column_comes_back_from_json(column: Column):
    assert Column.of(json.loads(json.dumps(column.plain()))) == column
    assert Column.of(column) is column


def test_entries_of_a_row():
    assert [column.entries for column in COLUMNS] == [1, 1, 2]
    assert [column.numbers for column in COLUMNS] == [1, 0, 2]
    assert [column.codes for column in COLUMNS] == [0, 4, 0]


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"name": "a", "kind": "numbr"}, "unknown kind of column 'numbr'.*number"),
        ({"name": "a", "kind": "number", "centre": [1.0]}, "unknown property of a column 'centre'"),
        ({"name": "a"}, "a name and a kind"),
        ({"name": "a", "kind": "number", "center": [1.0]}, "'a' must have `center`, `scale`"),
    ],
)
def test_what_is_no_column(described: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        Column.of(described)
