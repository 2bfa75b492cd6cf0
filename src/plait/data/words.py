"""Sentences as codes: the words, and the beginnings and ends of words."""

from __future__ import annotations

import re
import sys
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from plait.core.columns import FIRST, MISSING, UNSEEN

PARTS = 8  # of a word: its first 1, 2, 3 and last 1, 2, 3, 4 characters, and its shape
LONGEST_RUN = 2  # of like signs in a shape: "Xxx" stands for every longer word with a capital

# Scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, kana, and Chinese characters
_WITHOUT_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    """Compiles what one word is: a character without spaces, a run of letters, or another sign.

    Marks that are written onto a letter (vowel signs of many scripts) belong to it.
    """
    marks = "".join(c for c in map(chr, range(sys.maxunicode)) if unicodedata.category(c)[0] == "M")
    alone = f"[{_WITHOUT_SPACES}]"
    letter = rf"(?:(?!{alone})\w|[{re.escape(marks)}])"
    return re.compile(rf"{alone}[{re.escape(marks)}]*|{letter}+(?:['’]{letter}+)*|[^\s\w]")


def words_of(text: str) -> list[str]:
    """Divides a sentence into words and signs, in any script.

    Scripts without spaces between words are divided into their characters.

    Example:
        >>> words_of("Don't go, 3 km!"), words_of("東京 へ")
        (["Don't", 'go', ',', '3', 'km', '!'], ['東', '京', 'へ'])
    """
    return _pattern().findall(text)


def divided(text: str, form: str) -> list[str]:
    """Divides a text into "words" or "characters"; "whole" leaves it undivided, for a tokenizer."""
    if form == "whole":
        return [text] if text else []
    return list(text) if form == "characters" else words_of(text)


def vocabulary(sentences: Iterable[Sequence[str]], *, most: int, least: int = 2) -> list[str]:
    """Returns the words that occur at least `least` times, in lower case, the most frequent first.

    A word that occurs once is left out: it teaches a model what an unseen one is like.

    Args:
        sentences: lists of words.
        most: of the words, at least 1.
        least: times that a word has to occur.
    """
    counts = Counter(word.lower() for words in sentences for word in words)
    often = [word for word, count in counts.items() if word and count >= least]
    return sorted(often, key=lambda word: (-counts[word], word))[:most]


def parts_of(word: str) -> Iterator[str]:
    """Yields the 8 parts of a word: beginnings of 1 to 3 characters, ends of 1 to 4, its shape.

    The shape has X for a capital, x for another letter, d for a digit, at most two of each in a
    row, and other signs as they are.

    Example:
        >>> list(parts_of("Boeing747"))
        ['b', 'bo', 'boe', '7', '47', '747', 'g747', 'Xxxdd']
    """
    low = word.lower()
    for length in (1, 2, 3):
        yield low[:length]
    for length in (1, 2, 3, 4):
        yield low[-length:]
    signs = "".join(
        "d" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in word
    )
    yield re.sub(rf"(.)\1{{{LONGEST_RUN},}}", r"\1" * LONGEST_RUN, signs)


def codes_of_words(
    words: Sequence[str], known: Mapping[str, int], *, pieces: int, cache: dict[str, list[int]]
) -> Tensor:
    """Codes words: `[L, 1 + 8]`, or `[L, 1]` without codes of parts; whole numbers.

    The first is the code of the word: 0 if it is empty, 1 if it is not known, else that of `known`.
    The others are those of its parts (`parts_of`), from 1 to `pieces`, by a checksum of the part
    and its place among the parts: two parts may share a code.

    Args:
        words: in their order; may be empty.
        known: `{word in lower case: code}`, as `known_words` gives it.
        pieces: the number of codes of parts; 0 for none.
        cache: is filled with the codes of each different word.

    Reference: Bojanowski, Grave, Joulin, Mikolov, "Enriching Word Vectors with Subword
        Information", TACL 2017 (parts with hashed codes).
    """
    width = 1 + (PARTS if pieces else 0)
    if not words:
        return torch.zeros(0, width, dtype=torch.int32)
    rows = []
    for word in words:
        row = cache.get(word)
        if row is None:
            row = cache[word] = _codes(word, known, pieces)
        rows.append(row)
    return torch.tensor(rows, dtype=torch.int32)


def known_words(values: Sequence[str]) -> dict[str, int]:
    """Returns the code of each word of a vocabulary."""
    return {word: code for code, word in enumerate(values, start=FIRST)}


def _codes(word: str, known: Mapping[str, int], pieces: int) -> list[int]:
    code = known.get(word.lower(), UNSEEN) if word else MISSING
    if not pieces:
        return [code]
    parts = enumerate(parts_of(word))
    return [code, *(zlib.crc32(f"{k} {part}".encode()) % pieces + 1 for k, part in parts)]
