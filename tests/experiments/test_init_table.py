"""The text of settings, read again: every name and value is as it was."""

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plait.data.table.propose import propose
from plait.experiments.init_table import one_line, scalar, table_settings

ROWS = 40
RANDOM = np.random.default_rng(0)
AWKWARD = [
    *("", " ", " a", "a ", "no", "y", "N", "null", "~", "1", "1.5", "1e5", "0x1f", "1_000", "NaN"),
    *(
        "2020-01-01",
        "12:30",
        "=",
        "<<",
        "a: b",
        "a #b",
        "'",
        '"',
        "\\",
        "- a",
        "?",
        "*a",
        "&a",
        "!a",
    ),
    *(
        "größe",
        "日本",
        "😀",
        "a\nb",
        "a\tb",
        "\x00",
        "\x85",
        "\u2028",
        "\ufeff",
        "{a}",
        "[a]",
        "a,b",
        "%",
    ),
    *("x" * 2000, "true", "Off", ".inf", "@", "`", "|", ">", "---", "..."),
]
NAMES = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=12))


@given(NAMES)
def test_a_word_is_read_as_it_was_written(word: str) -> None:
    assert yaml.safe_load(scalar(word)) == word
    assert "\n" not in scalar(word)


@pytest.mark.parametrize("word", AWKWARD)
def test_awkward_words(word: str) -> None:
    assert yaml.safe_load(f"a: {{x: {scalar(word)}}}") == {"a": {"x": word}}


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), NAMES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value: object) -> None:
    assert yaml.safe_load(scalar(value)) == value


@given(
    st.lists(NAMES.filter(bool), min_size=2, max_size=6, unique=True),
    st.sampled_from(AWKWARD),
    NAMES,
)
@example(["no", "y"], "null", "off")
@settings(deadline=None)
def test_settings_are_read_as_they_were_proposed(names: list[str], word: str, table: str) -> None:
    """Whatever the columns and their values are called; comments do no harm either."""
    columns = [
        RANDOM.normal(size=ROWS),
        RANDOM.choice([word, f"{word} too"], ROWS),
        np.arange(ROWS),
        RANDOM.choice(["train", "val", "test"], ROWS),
        RANDOM.choice(["a;b", word, "b;c"], ROWS),
        RANDOM.integers(0, 9, ROWS),
    ]
    frame = pd.DataFrame(dict(zip(names, columns, strict=False)))
    proposal = propose(frame, names[:1])
    text = table_settings(proposal, table, "config.yaml", {"epochs": (20, "at most")})
    found = yaml.safe_load(text)
    assert found.pop("table") == table
    assert found.pop("epochs") == 20
    assert found == proposal.settings
    assert list(found.get("inputs", {})) == list(proposal.settings["inputs"])


def test_the_text() -> None:
    frame = pd.DataFrame(
        {
            "id": [f"w{row}" for row in range(ROWS)],
            "fixed acidity": np.linspace(3.8, 15.9, ROWS),
            "split": ["train", "train", "val", "test"] * (ROWS // 4),
            "quality": [3, 9, 5, 6] * (ROWS // 4),
            "colour": ["white", "white", "white", "red"] * (ROWS // 4),
        }
    )
    assert table_settings(propose(frame, ["quality", "colour"]), "wine.csv", "wine.yaml") == (
        "# Written by `plait init wine.csv`: 40 rows, 5 columns. Check kinds and tasks, then: "
        "plait train wine.yaml.\n"
        "table: wine.csv\n"
        "split: split                      # train 20, val 10, test 10\n"
        "inputs:                           # columns that are read\n"
        "  fixed acidity: number           # 3.8 to 15.9\n"
        "tasks:                            # columns that are predicted\n"
        "  quality: {kind: number}         # 3 to 9, 4 values; kind: category would predict each "
        "as a class\n"
        "  colour: {kind: yes/no, positive: red}  # white 75 %, red 25 %; kind: category would "
        "measure accuracy\n"
        "exclude:                          # columns that are neither, with the reason\n"
        "  id: a word of its own for each row\n"
    )


def test_a_guess_is_called_one() -> None:
    frame = pd.DataFrame({"x": RANDOM.normal(size=ROWS), "y": RANDOM.normal(size=ROWS)})
    assert "The tasks are a guess" in table_settings(propose(frame), "a.csv", "a.yaml")
    assert "guess" not in table_settings(propose(frame, ["y"]), "a.csv", "a.yaml")
    assert "# split: {val: 0.15, test: 0.15}" in table_settings(propose(frame), "a.csv", "a.yaml")


def test_a_comment_is_one_line() -> None:
    assert one_line("a\nb\u2028c\x00 d") == "a b c d"
