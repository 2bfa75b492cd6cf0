"""Sentences of a table's rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from plait.core.columns import Column
from plait.core.structure import Masked
from plait.data.tokenizer import codes_of_texts
from plait.data.words import codes_of_words, known_words


class Texts:
    """Sentences as codes: ``Masked(codes [L, 1 + P], mask [L])``, int64, the mask all true.

    Codes are those of `plait.data.words.codes_of_words`, or of the column's tokenizer. A row
    without a word is one missing word.

    Args:
        sentences: the words, or characters, of each row; with a tokenizer the whole text as one.
        column: of kind "text" or "tokens", with the vocabulary or the tokenizer.

    Attributes:
        column: of the table.
        lengths: of the rows, `[N]`.
    """

    def __init__(self, sentences: Sequence[Sequence[str]], column: Column) -> None:
        rows = _tokenized(sentences, column) if column.tokenizer else _coded(sentences, column)
        self.column = column
        self.sentences = sentences
        self.lengths = torch.tensor([len(each) for each in rows])
        self._ends = self.lengths.cumsum(0)
        width = rows[0].shape[1] if rows else 1
        self._codes = torch.cat(rows) if rows else torch.zeros(0, width, dtype=torch.int32)

    @property
    def cut(self) -> int:
        """The number of rows that are longer than the column's `length`, and cut off there."""
        most = self.column.length
        full = (self.lengths == most).nonzero().flatten().tolist()  # none without a bound
        whole: Sequence[Sequence[Any]] = [self.sentences[row] for row in full]
        if self.column.tokenizer:
            whole = codes_of_texts(["".join(words) for words in whole], self.column.tokenizer)
        return sum(len(each) > most for each in whole)

    def __len__(self) -> int:
        return len(self.lengths)

    def words(self, row: int) -> int:
        """Returns the number of words, or of a tokenizer's codes, that a row has; it may be 0."""
        return int(self.lengths[row]) if self.sentences[row] else 0

    def __getitem__(self, row: int) -> Masked:
        length = int(self.lengths[row])
        end = int(self._ends[row])
        codes: Tensor = self._codes[end - length : end].long()
        return Masked(codes, torch.ones(length, dtype=torch.bool))


def _coded(sentences: Sequence[Sequence[str]], column: Column) -> list[Tensor]:
    known, cache = known_words(column.values), dict[str, list[int]]()
    longest = column.length or None
    return [
        codes_of_words(words[:longest] or [""], known, pieces=column.pieces, cache=cache)
        for words in sentences
    ]


def _tokenized(sentences: Sequence[Sequence[str]], column: Column) -> list[Tensor]:
    texts = ["".join(words) for words in sentences]
    rows = codes_of_texts(texts, column.tokenizer, column.length)
    return [torch.tensor(row, dtype=torch.int32)[:, None] for row in rows]
