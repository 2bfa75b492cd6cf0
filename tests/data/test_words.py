"""Sentences of any script are divided into words, and words are coded with their parts."""

import zlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.data.words import (
    PARTS,
    codes_of_words,
    divided,
    known_words,
    parts_of,
    vocabulary,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  \n ", []),
        ("Flights from Boston, please!", ["Flights", "from", "Boston", ",", "please", "!"]),
        ("it's 3.5 km", ["it's", "3", ".", "5", "km"]),
        ("naïve café", ["naïve", "café"]),
        ("Привет мир", ["Привет", "мир"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("שלום עולם", ["שלום", "עולם"]),
        ("東京へ行く", list("東京へ行く")),
        ("go 東京 now", ["go", "東", "京", "now"]),
        ("한국어 문장", ["한국어", "문장"]),
    ],
)
def test_sentences_are_divided_into_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text(max_size=60))
def test_nothing_but_space_is_lost(text: str) -> None:
    assert "".join(words_of(text)) == "".join(c for c in text if not c.isspace())
    assert divided(text, "characters") == list(text)


def test_the_vocabulary_has_the_frequent_words_first() -> None:
    sentences = [["The", "cat"], ["the", "dog", "dog"], ["THE", "bird"]]
    assert vocabulary(sentences, most=10) == ["the", "dog"]
    assert vocabulary(sentences, most=1) == ["the"]
    assert vocabulary(sentences, most=10, least=1) == ["the", "dog", "bird", "cat"]


@given(st.text(min_size=1, max_size=12))
def test_a_word_has_eight_parts(word: str) -> None:
    parts = list(parts_of(word))
    low = word.lower()
    assert parts[:3] == [low[:1], low[:2], low[:3]]
    assert parts[3:7] == [low[-1:], low[-2:], low[-3:], low[-4:]]
    assert len(parts) == PARTS
    shape = parts[7]
    assert all(shape[i : i + 3] != shape[i] * 3 for i in range(len(shape) - 2))


def test_an_unseen_word_shares_the_codes_of_its_parts() -> None:
    known = known_words(["boston"])
    codes = codes_of_words(["Boston", "Houston", ""], known, pieces=10_000, cache={})
    assert codes.shape == (3, 1 + PARTS)
    assert codes[:, 0].tolist() == [2, 1, 0]
    ends = codes[:2, 4:8]  # the last 1, 2, 3, 4 characters: "ston"
    assert torch.equal(ends[0], ends[1])
    assert (codes[0, 1:4] != codes[1, 1:4]).all()
    assert bool((codes[:, 1:] >= 1).all()) and bool((codes[:, 1:] <= 10_000).all())


def test_without_pieces_there_is_the_word_alone() -> None:
    assert codes_of_words(["a", "b"], known_words(["b"]), pieces=0, cache={}).tolist() == [[1], [2]]
    assert codes_of_words([], {}, pieces=4, cache={}).shape == (0, 1 + PARTS)


def test_codes_are_the_same_in_every_process() -> None:
    """A checksum, not Python's `hash`, which differs from process to process."""
    codes = codes_of_words(["Ox7"], {}, pieces=1000, cache={})
    parts = ["o", "ox", "ox7", "7", "x7", "ox7", "ox7", "Xxd"]
    checksums = [zlib.crc32(f"{place} {part}".encode()) for place, part in enumerate(parts)]
    assert codes.tolist() == [[1, *(checksum % 1000 + 1 for checksum in checksums)]]


def test_a_text_for_a_tokenizer_is_not_divided() -> None:
    assert divided("Don't go!", "whole") == ["Don't go!"] and divided("", "whole") == []
