"""Sentences in CoNLL-U, and outermost mentions against a slow reading of the brackets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import DataError
from plait.recipes._conllu import outermost, sentences

LINES = [
    "# newdoc id = GUM_news_a",
    "# meta::genre = news",
    "# sent_id = GUM_news_a-1",
    "# s_type = decl",
    "1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\t_",
    "1\tdo\tdo\tAUX\tVB\t_\t2\taux\t2:aux\tEntity=(1-person-new",
    "2\tn't\tnot\tPART\tRB\t_\t0\troot\t0:root\tSpaceAfter=No|Entity=1)",
    "2.1\tgone\tgo\tVERB\tVBN\t_\t_\t_\t_\t_",
    "",
    "# sent_id = GUM_news_a-2",
    "1\tYes\tyes\tINTJ\tUH\t_\t_\troot\t_\t_",
]


def test_words_are_read_and_lines_of_other_kinds_are_not() -> None:
    first, second = sentences("\r\n".join(LINES), "file")
    assert first == {
        "id": "GUM_news_a-1",
        "genre": "news",
        "s_type": "decl",
        "tokens": ["do", "n't"],
        "upos": ["AUX", "PART"],
        "xpos": ["VB", "RB"],
        "head": [2, 0],
        "deprel": ["aux", "root"],
        "entity": ["B-person", "I-person"],
    }
    assert (second["s_type"], second["genre"], second["tokens"]) == (None, "news", ["Yes"])
    assert second["entity"] == ["O"]


@pytest.mark.parametrize("line", ["1\tword", "1\ta\ta\tX\tX\t_\tup\troot\t_\t_", "just a text"])
def test_a_line_of_another_format_is_named(line: str) -> None:
    with pytest.raises(DataError, match="file, line 12 must have 10 fields"):
        list(sentences("\n".join([*LINES, line]), "file"))


@pytest.mark.parametrize(
    ("mentions", "tags"),
    [
        ([], []),
        (["", ""], ["O", "O"]),
        (["(1-person-new)", "(1-person-giv)"], ["B-person", "B-person"]),
        (["(1-a(2-b)", "(3-c)1)"], ["B-a", "I-a"]),
        (["(1-a(1-a)", "1)", ""], ["B-a", "I-a", "O"]),
        (["(1-a(1-a", "1)", "1)", ""], ["B-a", "I-a", "I-a", "O"]),
        (["(1-a", "1)(2-b", "2)"], ["B-a", "I-a", "O"]),
        (["(7[1/2]-a", "7[1/2])", "(8-b)"], ["O", "O", "B-b"]),
        (["(1-a", ""], ["B-a", "I-a"]),
    ],
)
def test_outermost_mentions(mentions: list[str], tags: list[str]) -> None:
    assert outermost(mentions) == tags


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """Mentions of which any two lie in each other or apart, the outer ones first."""
    words = draw(st.integers(1, 8))

    def within(start: int, end: int, depth: int) -> list[tuple[int, int]]:
        found = []
        while start <= end:
            start = draw(st.integers(start, end))
            last = draw(st.integers(start, end))
            found += [(start, last)]
            if depth:
                found += within(start, last, depth - 1)
            start = last + draw(st.integers(1, 3))
        return found

    return words, within(0, words - 1, draw(st.integers(0, 2)))


@given(spans())
def test_any_brackets_are_read_as_a_loop_reads_them(
    case: tuple[int, list[tuple[int, int]]],
) -> None:
    words, mentions = case
    written = [""] * words
    wanted = ["O"] * words
    for number, (start, last) in enumerate(mentions):
        written[start] += f"({number}-k{number}-new" + (")" if start == last else "")
        if wanted[start] == "O":
            wanted[start : last + 1] = [f"B-k{number}", *[f"I-k{number}"] * (last - start)]
    for number in reversed(range(len(mentions))):
        start, last = mentions[number]
        written[last] += f"{number})" if start < last else ""
    assert outermost(written) == wanted
