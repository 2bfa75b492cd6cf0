import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.tasks.labels.spans import iob2, is_bio

TAGS = st.sampled_from(["O", *(f"{letter}-{kind}" for letter in "BIES" for kind in ("X", "Y-Z"))])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["O", "B-PER", "I-PER"], True),
        (["O", "I-NP", "I-VP", "B-NP"], True),
        (["O", "B-A", "I-A", "E-A", "S-A"], True),
        (["O", "B-A", "I-A", "L-A", "U-A"], True),
        (["O", "S-A"], True),
        (["O", "B-A", "E-A", "L-A"], False),  # letters of two schemes
        (["B-PER", "I-PER"], False),  # no outside
        (["O"], False),
        ([], False),
        (["O", "PER"], False),
        (["O", "B-"], False),
        (["O", "b-per"], False),
        (["NOUN", "VERB", "O"], False),
    ],
)
def test_tags_of_entities_are_known_by_their_names(names: list[str], expected: bool) -> None:
    assert is_bio(names) is expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-X I-X O B-X", "B-X I-X O B-X"),  # what is whole stays
        ("I-X I-X", "B-X I-X"),
        ("O I-X", "O B-X"),
        ("B-X I-Y", "B-X B-Y"),
        ("I-X B-X", "B-X B-X"),
        ("B-X E-X I-X", "B-X I-X B-X"),
        ("E-X E-X", "B-X B-X"),
        ("S-X I-X", "B-X B-X"),
        ("B-X L-X U-X", "B-X I-X B-X"),
        ("", ""),
    ],
)
def test_an_entity_begins_where_conlleval_lets_it_begin(tags: str, expected: str) -> None:
    assert iob2(tags.split()) == expected.split()


@given(st.lists(TAGS))
def test_what_is_rewritten_is_whole_and_stays_as_it_is(tags: list[str]) -> None:
    found = iob2(tags)
    assert iob2(found) == found
    assert [each.partition("-")[2] for each in found] == [tag.partition("-")[2] for tag in tags]
    for before, tag in zip(["O", *found], found, strict=False):
        assert tag[0] != "I" or before[2:] == tag[2:]
