"""A docstring opens with what the thing is or does, so that a newcomer understands it at once."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source import FILES, parse, where

# A clause without a subject ("What ...", "How ..."), a pronoun that stands for a thing unnamed
# ("Returns those that ..."), a passive that hides who acts ("Is told ...").
RIDDLE = re.compile(
    r"(What|How|Where|Which|Who|Those|That|One that|One of)\b"
    r"|Returns (what|how|where|which|who|those|that|it)\b|Returns (the )?one that\b"
    r"|Is (\w+ed|\w+en|told|held|kept|made|put|set|read|run)\b"
)


def openings(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Each docstring's first line, with the module, class or function that it is of."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node, text.splitlines()[0]


@pytest.mark.parametrize(
    "opening",
    [
        "What a method remembers.",
        "How far two sets are apart.",
        "Returns what the paper divides by.",
        "Returns those of I / T.",
        "Is told before each optimizer step.",
        "Is called after each step.",
        "Is given the networks, once.",
    ],
)
def test_a_riddle_is_recognised(opening: str) -> None:
    assert RIDDLE.match(opening)


@pytest.mark.parametrize(
    "opening",
    [
        "Returns the weights `[T]` of the tasks.",
        "Prepares the state; the engine calls it before the first step.",
        "Whether the file holds a run.",
        "Isolates a task.",
        "One model for several tasks.",
    ],
)
def test_a_plain_sentence_is_no_riddle(opening: str) -> None:
    assert not RIDDLE.match(opening)


def test_no_docstring_opens_with_a_riddle() -> None:
    found = [
        f"{where(path, node)} {opening}"
        for path in FILES
        for node, opening in openings(path)
        if RIDDLE.match(opening)
    ]
    listed = "\n".join(found)
    assert not found, f"open with a subject and a verb, shapes and units:\n{listed}"
