"""Inputs of a table, as a configuration describes them."""

import pandas as pd
import pytest

from plait.core.errors import ConfigError
from plait.data.table.described_inputs import Input, read_input, read_inputs
from plait.data.table.media import ImageOptions, TextOptions

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


def test_options_of_media_stand_beside_the_kind() -> None:
    photo = read_input("photo", {"kind": "image", "size": 32, "augment": {"flip": 1.0}})
    assert photo.media == ImageOptions(size=32, augment={"flip": 1.0})
    words = read_input("words", {"kind": "tokens", "length": 9, "separator": "|"})
    assert words.media == TextOptions(length=9)
    assert (words.form, words.column_kind) == ("|", "tokens")
    assert read_input("said", {"kind": "text", "unit": "characters"}).form == "characters"
    assert (read_input("a", "tokens").form, read_input("a", "image").form) == (" ", "")
    assert read_input("age", "number").media is None


def test_options_of_another_kind_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"inputs\.age: unknown option 'size'"):
        read_input("age", {"kind": "number", "size": 3})
    with pytest.raises(ConfigError, match=r"inputs\.voice: `seconds` must be at least"):
        read_input("voice", {"kind": "sound", "seconds": -1})


def test_a_tokenizer_reads_whole_texts() -> None:
    assert read_input("said", {"kind": "text", "tokenizer": "folder"}).form == "whole"
    with pytest.raises(ConfigError, match=r"inputs\.said: a tokenizer reads whole texts"):
        read_input("said", {"kind": "tokens", "tokenizer": "folder"})
