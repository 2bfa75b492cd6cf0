from typing import Any

import pytest

from plait.core.errors import ConfigError
from plait.data.table.described import complaints
from plait.data.table.described_inputs import read_inputs

COLUMNS = ["age", "fp_0", "fp_1", "label", "a[b]"]


def test_all_that_is_wrong_is_told_at_once() -> None:
    inputs = {"age": "numbr", "ok": "number", "town": {"kind": "category", "x": 1}}
    tasks = {"price": "numbr", "sold": {"positive": 1}, "fine": "number"}
    assert [each.partition(":")[0] for each in complaints(inputs, tasks)] == [
        *("inputs.age", "inputs.town", "tasks.price", "tasks.sold")
    ]
    assert complaints({"age": "number"}, {"price": {"kind": "number", "error": "huber"}}) == []


@pytest.mark.parametrize(
    ("described", "words"),
    [
        ({"age": "numbr"}, "inputs.age: unknown kind 'numbr'; .*Did you mean 'number'"),
        ({"age": {"kind": "number", "mising": "?"}}, "inputs.age: unknown option 'mising'"),
        ({"gp_*": "number"}, "no column fits the pattern 'gp_\\*'"),
        ({}, "no column of inputs"),
        ({"age": None}, "no column of inputs"),
        ({"aeg": None, "*": "number"}, "inputs.aeg: no such column to leave out.*'age'"),
    ],
)
def test_what_is_no_description(described: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_inputs(described, COLUMNS)
