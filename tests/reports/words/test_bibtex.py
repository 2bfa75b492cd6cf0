"""References become entries of BibTeX: every paper of every method of plait."""

import re

import pytest

from plait.core.families import FAMILIES
from plait.core.lazy import homes
from plait.reports.read.references import reference_of
from plait.reports.words.bibtex import bibtex


def fields(entry: str) -> dict[str, str]:
    return dict(re.findall(r"^  (\w+) = \{(.*)\},$", entry, re.MULTILINE))


def test_an_article_of_a_conference() -> None:
    (entry,) = bibtex('Liu, Feng, Stone, Liu, "FAMO: Fast & Fair", NeurIPS 2023, algorithm 2.')
    assert entry == (
        "@inproceedings{liu2023famo,\n"
        "  author = {Liu and Feng and Stone and Liu},\n"
        "  title = {{FAMO: Fast \\& Fair}},\n"
        "  booktitle = {NeurIPS},\n"
        "  year = {2023},\n"
        "}"
    )


@pytest.mark.parametrize(
    ("reference", "kind", "expected"),
    [
        (
            'Quinton, Rey, "Jacobian Descent", arXiv 2406.16232, 2024.',
            "misc",
            {"eprint": "2406.16232", "archiveprefix": "arXiv", "year": "2024"},
        ),
        (
            'A, "Early", arXiv 2003.02960, 2020.',
            "misc",
            {"eprint": "2003.02960", "archiveprefix": "arXiv", "year": "2020"},
        ),
        (
            'Caruana, "Multitask Learning", Machine Learning 28, 1997.',
            "article",
            {"journal": "Machine Learning 28", "year": "1997"},
        ),
        (
            'used as "invariant" in Navon et al., "A Bargaining Game", ICML 2022.',
            "inproceedings",
            {"author": "Navon and others", "booktitle": "ICML", "year": "2022"},
        ),
        ('Wightman, "PyTorch Image Models", 2019.', "misc", {"year": "2019"}),
    ],
)
def test_kinds_of_papers(reference: str, kind: str, expected: dict[str, str]) -> None:
    (entry,) = bibtex(reference)
    assert entry.startswith(f"@{kind}{{")
    assert expected.items() <= fields(entry).items()


def test_several_papers_are_several_entries() -> None:
    text = 'A, "One", ICML 2020. Groups: B, C, "Two", NIPS 2014; on the rest see D, "Three", 1990'
    assert [fields(entry)["author"] for entry in bibtex(text)] == ["A", "B and C", "D"]
    assert bibtex("no paper at all, 2020") == []


METHODS = sorted(
    name
    for family in FAMILIES.values()
    for name in homes(f"plait.{family.name}")
    if '"' in reference_of(name)
)


@pytest.mark.parametrize("method", METHODS)
def test_the_papers_of_all_methods_have_author_title_and_year(method: str) -> None:
    entries = bibtex(reference_of(method))
    assert entries
    for entry in entries:
        found = fields(entry)
        assert {"author", "title", "year"} <= found.keys(), entry
        assert re.fullmatch(r"[\w' .,-]+", found["author"]), entry
        assert re.match(r"@\w+\{[a-z]+\d{4}\w+,\n", entry), entry
