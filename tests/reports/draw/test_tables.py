"""Settings as rows: nothing is lost, nothing is written twice."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plait.reports.draw.tables import flat, settings_table


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        ({"a": {"b": 1, "c": None}}, [("a.b", "1"), ("a.c", "null")]),
        ({"a": True, "b": ""}, [("a", "true"), ("b", '""')]),
        ({"a": [1, 2], "b": []}, [("a", "1, 2"), ("b", "(none)")]),
        ({"a": [{"b": 1}, [2]]}, [("a[0].b", "1"), ("a[1]", "2")]),
        ({"a": {}}, [("a", "{}")]),
    ],
)
def test_a_value_is_named_by_its_path(value: Any, rows: list[tuple[str, str]]) -> None:
    assert list(flat(value, "")) == rows


PLAIN = st.none() | st.booleans() | st.integers() | st.text("abc", min_size=1, max_size=3)
NESTED = st.recursive(
    PLAIN, lambda inner: st.dictionaries(st.text("xyz", min_size=1), inner), max_leaves=8
)


@given(st.dictionaries(st.text("xyz", min_size=1), NESTED))
def test_every_path_is_there_once(settings: dict[str, Any]) -> None:
    paths = [path for path, _ in flat(settings, "")]
    assert len(set(paths)) == len(paths)
    for path, text in flat(settings, ""):
        inner: Any = settings
        for key in filter(None, path.split(".")):
            inner = inner[key]
        if not isinstance(inner, dict):
            assert yaml.safe_load(text) == inner


def test_the_table_has_two_columns() -> None:
    table = settings_table({"a": 1}, "Configuration")
    assert (table.head, table.rows) == (["Setting", "Value"], [["a", "1"]])
    assert table.caption == "Configuration"
