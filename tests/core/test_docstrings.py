"""Parts of docstrings."""

from plait.core.docstrings import part_of, summary_of


class Method:
    """Does a thing.

    Cost: one pass
        of each.

    Reference (of the second form): Somebody, "A Title", Somewhere 2020.

    Raises:
        ValueError: never.
    """


class Silent:
    pass


def test_parts_are_one_line_each() -> None:
    assert summary_of(Method) == "Does a thing."
    assert part_of(Method, "Cost") == "one pass of each."
    assert part_of(Method, "Reference") == 'Somebody, "A Title", Somewhere 2020.'


def test_what_is_not_said_is_empty() -> None:
    assert part_of(Method, "Differs") == ""
    assert summary_of(Silent) == part_of(Silent, "Cost") == ""
