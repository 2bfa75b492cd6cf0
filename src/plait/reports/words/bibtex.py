"""References as entries of BibTeX."""

from __future__ import annotations

import re

# Authors, "title", venue and year; a reference may name several papers.
_YEAR = re.compile(r"\b(?:19|20)\d\d\b(?!\.\d)")  # and no number of an arXiv paper
_PAPER = re.compile(rf'([^".;:]+(?:et al\.)?), "([^"]+)",? ?([^"]*?{_YEAR.pattern})?')
_BEFORE = re.compile(r"^.*\b(?:and|as|by|from|in|of|on|see)\s+(?=[A-Z])")  # words before authors
_ARXIV = re.compile(r"arXiv:? ?(\d{4}\.\d{4,5})")
_JOURNAL = re.compile(
    r"Journal|Machine Learning \d|JMLR|TMLR|Transactions|Mathemati|PNAS|\d+\(\d+\)"
)
_SPECIAL = re.compile(r"([&%#$_])")


def bibtex(reference: str) -> list[str]:
    """Returns an entry for each paper that a reference names; none where it has no title.

    The reference is written as ``Authors, "Title", Venue Year; Authors, "Title", ...``.

    Example:
        >>> print(*bibtex('Evgeniou, Pontil, "Regularized Multi-Task Learning", KDD 2004.'))
        @inproceedings{evgeniou2004regularized,
          author = {Evgeniou and Pontil},
          title = {{Regularized Multi-Task Learning}},
          booktitle = {KDD},
          year = {2004},
        }
    """
    return [_entry(*found.groups()) for found in _PAPER.finditer(reference)]


def _entry(authors: str, title: str, venue: str | None) -> str:
    names = _names(authors)
    years = _YEAR.findall(venue or "")
    year = years[-1] if years else ""
    arxiv = _ARXIV.search(venue or "")
    where = re.sub(rf",? ?\b{year}\b", "", venue or "").strip(" ,") if year else ""
    word = next(iter(re.findall(r"[a-z0-9]{3,}", title.lower())), "")
    first = re.sub(r"[^a-z]", "", names[0].lower()) if names else ""
    fields = {"author": " and ".join(names), "title": f"{{{title}}}"}
    if arxiv:
        kind = "misc"
        fields |= {"eprint": arxiv[1], "archiveprefix": "arXiv"}
    elif not where:
        kind = "misc"
    elif _JOURNAL.search(where):
        kind = "article"
        fields["journal"] = where
    else:
        kind = "inproceedings"
        fields["booktitle"] = where
    fields["year"] = year
    lines = [f"  {key} = {{{_safe(value)}}}," for key, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{first}{year}{word},", *lines, "}"])


def _names(authors: str) -> list[str]:
    """Returns the family names; "et al." becomes "others"."""
    text = _BEFORE.sub("", authors.strip())
    others = text.endswith("et al.")
    names = [name.strip() for name in text.removesuffix("et al.").split(",") if name.strip()]
    return [*names, "others"] if others else names


def _safe(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
