"""Sentences in the format CoNLL-U, with the mentions of entities that GUM writes beside it.

Reference: Nivre et al., "Universal Dependencies v2: An Evergrowing Multilingual Treebank
Collection", LREC 2020; on the mentions: Zeldes, "The GUM Corpus: Creating Multilayer Resources in
the Classroom", Language Resources and Evaluation 2017.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from plait.core.errors import DataError

FIELDS = 10  # of a line: id, form, lemma, upos, xpos, features, head, relation, more, miscellany
# A mention that begins, `(1-person-...`, and may end at the same word; or one that ends, `1)`
_MENTION = re.compile(r"\(([^()\s]+)(\))?|([^()\s]+)\)")
_SEVERAL_WORDS = re.compile(r"\d+[-.]\d+")  # a word that is written as one, or one that is not


def sentences(text: str, place: str) -> Iterator[dict[str, Any]]:
    """Yields the sentences of a file.

    Args:
        text: the file.
        place: its name, for messages.

    Returns:
        `id`, `genre` and `s_type` (None where it is not said); and lists of one entry for each
        word: `tokens`, `upos`, `xpos`, `head` (from 1; 0 for the root), `deprel`, and `entity`, as
        `outermost` gives it.

    Raises:
        DataError: a line has not ten fields, or a head that is no number.
    """
    said: dict[str, str] = {}
    words: list[list[str]] = []
    genre = None
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.startswith("#"):
            key, _, value = line[1:].partition("=")
            said[key.strip()] = value.strip()
            genre = said.get("meta::genre", genre)
        elif line.strip():
            fields = line.rstrip("\r").split("\t")
            if len(fields) != FIELDS or not (fields[6].isdecimal() or fields[6] == "_"):
                raise DataError(
                    f"{place}, line {number} must have {FIELDS} fields with tabs between them, the "
                    f"seventh a number; found {line[:80]!r}. Is it a file in the format CoNLL-U?"
                )
            if not _SEVERAL_WORDS.fullmatch(fields[0]):
                words.append(fields)
        elif words:
            yield _sentence(said, genre, words)
            said, words = {}, []


def _sentence(said: dict[str, str], genre: str | None, words: list[list[str]]) -> dict[str, Any]:
    mentions = [
        next((m[len("Entity=") :] for m in word[9].split("|") if m.startswith("Entity=")), "")
        for word in words
    ]
    return {
        "id": said.get("sent_id", ""),
        "genre": genre,
        "s_type": said.get("s_type"),
        "tokens": [word[1] for word in words],
        "upos": [word[3] for word in words],
        "xpos": [word[4] for word in words],
        "head": [int(word[6]) if word[6].isdecimal() else 0 for word in words],
        "deprel": [word[7] for word in words],
        "entity": outermost(mentions),
    }


def outermost(mentions: Sequence[str]) -> list[str]:
    """Returns a tag for each word, in the scheme IOB2, of the mentions that lie in no other.

    Mentions of several pieces (`1[1/2]`) are left out.

    Args:
        mentions: what GUM writes at each word: `(1-person-new` for mention 1, a person, that begins
            there, `1)` for its end, and `(1-person-new)` for both; empty for none.

    Example:
        >>> outermost(["(1-person(2-place)", "", "1)", "", "(3-event)"])
        ['B-person', 'I-person', 'I-person', 'O', 'B-event']
    """
    tags = []
    outer, kind, depth = "", "", 0  # the mention that is open, and how often one of its number is
    for written in mentions:
        tag = f"I-{kind}" if depth else "O"
        for begun, whole, ended in _MENTION.findall(written):
            number, _, rest = begun.partition("-")
            if "[" in begun.partition("-")[0] or "[" in ended:
                continue
            if begun and not depth and tag == "O":
                outer, kind = number, rest.partition("-")[0]
                tag, depth = f"B-{kind}", 0 if whole else 1
            elif begun and number == outer and not whole:
                depth += 1
            elif ended == outer and depth:
                depth -= 1
        tags.append(tag)
    return tags
