"""The table of the terminal is the widest that fits; see test_show.py for what is in it."""

import pytest
from rich.console import Console

from plait.cli.compared import legend, table
from tests.reports.words.made import of_members


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (120, ["network", "Δm", "a\nm ↑", "b\nm ↑", "time", "size"]),
        (55, ["network", "Δm", "a", "b", "time", "size"]),
        (40, ["network", "Δm", "▲", "≈", "▼", "time", "size"]),
    ],
)
def test_the_widest_that_fits_is_chosen(width: int, columns: list[str]) -> None:
    found = of_members(x=2.0, y=-6.0)
    made = table(found, Console(width=width))
    assert [str(each.header) for each in made.columns] == columns


def test_the_legend_says_of_how_many_seeds_the_means_are() -> None:
    assert legend(of_members(x=2.0)).startswith("Test part, one seed;")
    assert legend(of_members(x=[2.0, 3.0])).startswith("Test part, means over 2 seeds;")
