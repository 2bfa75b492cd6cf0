"""Cells of text and of lists of words."""

import numpy as np
import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.data.table.sentences import sentences


def test_text_is_divided_by_its_script_or_into_characters() -> None:
    column = pd.Series(["Go on!", None, "", 42, "東京へ"], name="said")
    found = sentences(column, "text", "words")
    assert found == [["Go", "on", "!"], [], [], ["42"], ["東", "京", "へ"]]
    assert sentences(pd.Series(["ab c"]), "text", "characters") == [["a", "b", " ", "c"]]


def test_tokens_are_lists_or_have_a_separator() -> None:
    column = pd.Series([["a", "b c"], np.array(["d"]), "e  f", np.nan, "?"])
    assert sentences(column, "tokens", " ", ["?"]) == [["a", "b c"], ["d"], ["e", "f"], [], []]
    assert sentences(pd.Series(["a|b c"]), "tokens", "|") == [["a", "b c"]]


@pytest.mark.parametrize(
    ("cell", "kind", "rule"), [(3.5, "tokens", "a list of words"), (["a"], "text", "text")]
)
def test_other_cells_are_named(cell, kind: str, rule: str) -> None:
    column = pd.Series(["a", cell], name="said")
    with pytest.raises(DataError, match=f"row 2, column 'said' of t.csv: a cell of .* be {rule}"):
        sentences(column, kind, "words", source="t.csv")


def test_a_word_that_is_missing_in_a_list_is_empty() -> None:
    column = pd.Series([["a", None], [np.nan, "b"]])
    assert sentences(column, "tokens", " ") == [["a", ""], ["", "b"]]
