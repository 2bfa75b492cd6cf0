"""Dataclasses as JSON: what was written is read, anything else is refused by name."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import DataError
from plait.core.typed_json import (
    parse_typed,
    read_typed,
    read_typed_if_there,
    without_nan,
    write_typed,
)


@dataclass(frozen=True, kw_only=True)
class Inner:
    values: list[float]


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str
    inner: dict[str, Inner]
    count: int = 0
    more: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("`count` must not be negative.")


@given(st.lists(st.floats(allow_infinity=False)), st.text(), st.integers(0, 9))
def test_what_was_written_is_read(values: list[float], name: str, count: int) -> None:
    written = json.dumps(
        without_nan({"name": name, "inner": {"a": {"values": values}}, "count": count}),
        allow_nan=False,
    )
    found = parse_typed(Outer, written, where="x", hint="")
    assert (found.name, found.count, found.more) == (name, count, [])
    for one, other in zip(found.inner["a"].values, values, strict=True):
        assert one == other or (math.isnan(one) and math.isnan(other))


def test_a_file_has_null_and_no_nan(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_typed(path, Outer(name="n", inner={"a": Inner(values=[math.nan, math.inf, 1.0])}))
    assert json.loads(path.read_text())["inner"]["a"]["values"] == [None, None, 1.0]
    assert math.isnan(read_typed(Outer, path, hint="").inner["a"].values[0])


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("{", "no JSON"),
        ("null", "must hold names and values"),
        ('{"name": "n"}', "`inner`: Field required"),
        ('{"name": "n", "inner": {}, "other": 1}', "`other`"),
        ('{"name": "n", "inner": {}, "count": "many"}', "`count`"),
        ('{"name": "n", "inner": {}, "count": null}', "`count`"),
        ('{"name": "n", "inner": {"a": {"values": ["x"]}}}', r"`inner\.a\.values\.0`"),
        ('{"name": "n", "inner": {}, "count": -1}', "must not be negative. Try again."),
    ],
)
def test_what_does_not_fit_is_refused(text: str, finding: str) -> None:
    with pytest.raises(DataError, match=finding) as error:
        parse_typed(Outer, text, where="file.json", hint="Try again.")
    assert str(error.value).startswith("file.json: ")
    assert str(error.value).endswith("Try again.")


def test_null_is_nan_only_where_a_number_is_expected() -> None:
    text = '{"name": "n", "inner": {"a": {"values": [null]}}, "settings": {"connections": null}}'
    found = parse_typed(Outer, text, where="x", hint="")
    assert math.isnan(found.inner["a"].values[0])
    assert found.settings == {"connections": None}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_typed(Outer, tmp_path / "none.json", hint="")
    assert read_typed_if_there(Outer, tmp_path / "none.json", hint="") is None
