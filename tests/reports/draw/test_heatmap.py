"""A heat map shows its numbers, by scale and by room."""

from typing import Any

import pytest

from plait.reports.draw.heatmap import COSINES, SHARES, draw_cells, height_of, is_wide, scale_of
from tests.reports.figure import figure


def trace(markup: str) -> dict[str, Any]:
    """The data of a chart as plotly gets them."""
    return dict(figure(markup)["data"][0])


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([-0.2, 0.5], (-0.5, 0.5)),  # signed: as far on both sides, so that white is zero
        ([-3.0, 0.5, None], (-3.0, 3.0)),
        ([2.0, 4.0], (2.0, 4.0)),
        ([2.0, 2.0], (0.0, 2.0)),
        ([0.0], (0.0, 1.0)),
        ([None], (0.0, 1.0)),
    ],
)
def test_the_scale_is_around_zero_only_where_something_is_negative(
    values: list[float | None], ends: tuple[float, float]
) -> None:
    scale = scale_of(values, shares=False)
    assert (scale.low, scale.high) == ends
    assert (scale.colours == COSINES.colours) == (ends[0] < 0)


def test_zero_has_no_minus() -> None:
    assert SHARES.written(-0.001) == "0%"
    assert COSINES.written(-0.001) == "0.00"
    assert COSINES.written(-0.01) == "-0.01"
    assert SHARES.written(None) == ""


def test_shares_go_from_nothing_to_all() -> None:
    assert scale_of([0.2, 0.4], shares=True) is SHARES


def test_few_cells_have_their_numbers_written() -> None:
    found = trace(draw_cells("m", ["r", "s"], ["a", "b"], [[0.25, None], [0.5, 1.0]], SHARES))
    assert found["text"] == [["25%", ""], ["50%", "100%"]]
    assert found["z"] == [[0.25, None], [0.5, 1.0]]
    assert "hovertemplate" not in found


def test_many_cells_are_read_by_the_pointer() -> None:
    names = [f"t{i}" for i in range(139)]
    values = [[float(i == j) for j in range(139)] for i in range(139)]
    markup = draw_cells("m", names, names, values, SHARES)
    found = trace(markup)
    assert "text" not in found
    assert found["x"] == found["y"] == names
    assert "%{y}" in found["hovertemplate"]
    assert is_wide(139)
    assert height_of(139, 139) <= 1200
    assert len(markup) < 400_000
    ticks = figure(markup)["layout"]["yaxis"]["ticktext"]
    assert 40 < len(ticks) < 139  # as many names as there is room for


def test_plotly_chooses_which_of_many_columns_it_names() -> None:
    names = [f"a long name, of which the end is cut off: {i:02d}" for i in range(40)]
    markup = draw_cells("m", names, names, [[0.0] * 40] * 40, SHARES)
    columns = figure(markup)["layout"]["xaxis"]
    assert "tickvals" not in columns
    assert columns["labelalias"][names[7]] == "a long name, of which t…"
