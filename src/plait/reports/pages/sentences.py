"""Sentences of an example with the tags of tasks under their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from plait.runs.gallery import ShownTags
from plait.runs.gallery_inputs import SentenceInput

OUTSIDE = "O"  # the tag of a token that is in no span, by the field's convention


@dataclass(frozen=True)
class Tag:
    """One task's tag of a token.

    Attributes:
        task: its name.
        predicted: the tag.
        true: the tag, or None for a token without a label.
    """

    task: str
    predicted: str
    true: str | None

    @property
    def look(self) -> str:
        """A class of the style: "wrong", "unlabelled", "outside" or "named"."""
        if self.true is None:
            return "unlabelled"
        if self.true != self.predicted:
            return "wrong"
        return "outside" if self.true == OUTSIDE else "named"


@dataclass(frozen=True)
class Token:
    """A word, and what each task says of it."""

    word: str
    tags: list[Tag]


@dataclass(frozen=True)
class Tagged:
    """A sentence as the page shows it.

    Attributes:
        name: of the input, or "".
        text: the sentence, where no task tags its tokens.
        tokens: its words with their tags, where one does.
        tasks: those whose tags are under the words, in their order.
        more: how many tokens are not shown.
    """

    name: str
    text: str
    tokens: list[Token]
    tasks: list[str]
    more: int
    kind: Literal["sentence"] = "sentence"

    @property
    def wide(self) -> bool:
        """Whether it needs the whole width of the page."""
        return len(self.tokens) > 10 or (not self.tokens and len(self.text) > 240)


def tagged(sentence: SentenceInput, tags: Sequence[ShownTags]) -> Tagged:
    """Returns a sentence with the tags that belong to its tokens."""
    if not tags:
        return Tagged(sentence.name, sentence.text, [], [], 0)
    tokens = [
        Token(_visible(word), [Tag(one.task, one.predicted[i], one.true[i]) for one in tags])
        for i, word in enumerate(sentence.words)
    ]
    more = sentence.tokens - len(tokens)
    return Tagged(sentence.name, "", tokens, [one.task for one in tags], more)


def belongs(tags: ShownTags, sentences: Sequence[SentenceInput]) -> SentenceInput | None:
    """Returns the first sentence with as many tokens as a task has tags; None if there is none."""
    return next((each for each in sentences if each.tokens == len(tags.predicted)), None)


def _visible(word: str) -> str:
    """Returns a word, or a sign for one of which nothing can be seen."""
    return word if any(sign.isprintable() and not sign.isspace() for sign in word) else "␣"
