from typing import Any

import pandas as pd
import pytest

from plait.core.errors import ConfigError
from plait.data.table.described import Input, complaints, read_inputs

COLUMNS = ["age", "fp_0", "fp_1", "label", "a[b]"]


def test_kinds_and_patterns() -> None:
    described = {
        "age": {"kind": "number", "missing": ["?", 9]},
        "*": "number",
        "fp_1": "category",
        "a[b]": "yes/no",
    }
    found = read_inputs(described, COLUMNS, leave_out=["label"])
    assert found == {
        "age": Input("number", missing=("?", "9")),
        "fp_0": Input("number"),
        "fp_1": Input("category"),
        "a[b]": Input("yes/no"),
    }
    assert found["a[b]"].column_kind == "category"


def test_null_leaves_out_a_column_or_those_of_a_pattern() -> None:
    assert list(read_inputs({"*": "number", "label": None, "fp_*": None}, COLUMNS)) == [
        "age",
        "a[b]",
    ]
    assert list(read_inputs({"fp_0": "number", "fp_*": None}, COLUMNS)) == ["fp_0"]


def test_the_separator_of_lists_is_that_of_their_cells() -> None:
    assert Input("numbers").with_separator(pd.Series([None, "[1;2]"])).separator == ";"
    assert Input("numbers").with_separator(pd.Series(["1 2"])).separator == " "
    assert Input("numbers", separator="x").with_separator(pd.Series(["1;2"])).separator == "x"
    assert (Input("tags").form, Input("date", format="%d").form, Input("number").form) == (
        ";",
        "%d",
        "",
    )


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
