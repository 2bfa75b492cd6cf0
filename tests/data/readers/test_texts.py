"""Sentences of rows as codes."""

from plait.core.columns import Column
from plait.data.readers.texts import Texts
from plait.data.words import codes_of_words, known_words
from tests.data.tokenizers import small_tokenizer

SENTENCES = [["the", "cat", "sat"], [], ["A", "cat"]]


def column(**options) -> Column:
    return Column("said", "tokens", values=["cat", "the"], form=" ", **options)


def test_a_row_has_the_codes_of_its_words() -> None:
    texts = Texts(SENTENCES, column(pieces=50))
    known = known_words(["cat", "the"])
    for row in (0, 2):
        expected = codes_of_words(SENTENCES[row], known, pieces=50, cache={})
        assert texts[row].values.tolist() == expected.tolist()
    assert texts.lengths.tolist() == [3, 1, 2]


def test_a_row_without_a_word_is_one_missing_word() -> None:
    texts = Texts(SENTENCES, column())
    assert texts[1].values.tolist() == [[0]]
    assert texts[1].mask.tolist() == [True]


def test_what_is_longer_is_cut_off() -> None:
    assert Texts(SENTENCES, column(length=2))[0].values.tolist() == [[3], [2]]


def test_rows_that_are_cut_off_are_counted() -> None:
    assert [Texts(SENTENCES, column(length=most)).cut for most in (1, 2, 3, 0)] == [2, 1, 0, 0]


def test_no_row_at_all() -> None:
    assert len(Texts([], column())) == 0


def test_a_tokenizer_reads_whole_texts() -> None:
    said = Column("said", "text", tokenizer=small_tokenizer(), length=4)
    texts = Texts([["The cat"], [], ["sat the cat"]], said)
    assert texts[0].values.tolist() == [[2], [4], [5], [3]]
    assert [texts[row].values[:, 0].tolist() for row in (1, 2)] == [[2, 3], [2, 6, 4, 3]]
    assert texts.lengths.tolist() == [4, 2, 4]


def test_a_row_without_a_word_has_none_though_it_is_read_as_one() -> None:
    texts = Texts([["a", "b", "c"], []], Column("said", "text", values=["a"], length=2))
    assert [texts.words(row) for row in range(2)] == [2, 0]
    assert texts.lengths.tolist() == [2, 1]


def test_of_texts_with_a_tokenizer_those_with_more_codes_are_cut() -> None:
    rows = [["The cat"], [], ["sat the cat"]]  # 4, 2 and 5 codes, marks and all
    for most, cut in ((3, 2), (4, 1), (5, 0)):
        said = Column("said", "text", tokenizer=small_tokenizer(), length=most)
        assert Texts(rows, said).cut == cut
