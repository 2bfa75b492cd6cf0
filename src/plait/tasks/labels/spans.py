"""Tags that mark the tokens of an entity: B-PER I-PER O, and other ways to write the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence

OUTSIDE = "O"
SCHEMES = (frozenset("BI"), frozenset("BIES"), frozenset("BILU"))
LAST = {"L": "E", "U": "S"}  # of BILOU, as BIOES has them


def is_bio(names: Collection[str]) -> bool:
    """Whether the names of a task's tags mark entities: B-, I- and O, with E- and S-, or L- and U-.

    Each name is "O" or has one of these letters, a hyphen and a type; "O" and another are there.

    Args:
        names: of the tags, in any order.

    Example:
        >>> is_bio(["O", "B-PER", "I-PER"]), is_bio(["NOUN", "O"]), is_bio(["O", "B-PER", "X-PER"])
        (True, False, False)
    """
    marks = [name for name in names if name != OUTSIDE]
    if not marks or len(marks) == len(names):
        return False
    if not all(name[1:2] == "-" and len(name) > 2 for name in marks):
        return False
    letters = {name[0] for name in marks}
    return any(letters <= scheme for scheme in SCHEMES)


def iob2(tags: Sequence[str]) -> list[str]:
    """Rewrites the tags of a sentence so that each entity begins with B-, whatever it began with.

    An entity begins at B-, and at any other mark that comes after O, after the last token of an
    entity (E- or S-), or after a mark of another type: so a broken sequence is read by conlleval,
    and by seqeval without its strict mode. BILOU is read as BIOES.

    Args:
        tags: of one sentence, names of which `is_bio` is true.

    Returns:
        as many tags, of which each is "O", "B-TYPE" or "I-TYPE".

    Reference: Tjong Kim Sang, Buchholz, "Introduction to the CoNLL-2000 Shared Task: Chunking",
        CoNLL 2000 (conlleval, which has no E- and S-); for these, the rules of seqeval.

    Example:
        >>> iob2(["I-PER", "I-PER", "I-LOC", "O", "B-LOC", "B-LOC"])
        ['B-PER', 'I-PER', 'B-LOC', 'O', 'B-LOC', 'B-LOC']
        >>> iob2(["B-PER", "E-PER", "I-PER", "S-LOC"])
        ['B-PER', 'I-PER', 'B-PER', 'B-LOC']
    """
    found: list[str] = []
    before, of_before = OUTSIDE, ""
    for tag in tags:
        letter, _, kind = tag.partition("-")
        letter = LAST.get(letter, letter)
        if letter == OUTSIDE:
            found.append(OUTSIDE)
        else:
            begins = letter in "BS" or before in (OUTSIDE, "E", "S") or kind != of_before
            found.append(f"{'B' if begins else 'I'}-{kind}")
        before, of_before = letter, kind
    return found
