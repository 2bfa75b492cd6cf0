"""What was watched becomes one history for each title, whatever each step recorded."""

import math

from plait.reports.read.history import histories
from plait.reports.read.series import Series
from plait.runs import Numbers, WatchedValues


def watched(step: int, title: str = "M: t", shares: bool = False, **rows: object) -> WatchedValues:
    values = {title: Numbers(shares=shares, rows=rows)}
    return WatchedValues(step=step, epoch=0, values=values)


def test_titles_keep_their_order_and_their_kind() -> None:
    events = [watched(1, "b", True, x=1.0), watched(1, "a", x=1.0), watched(2, "b", True, x=2.0)]
    found = histories(events)
    assert [(each.title, each.shares) for each in found] == [("b", True), ("a", False)]
    assert found[0].curve("x") == Series([1, 2], [1.0, 2.0])
    assert found[0].columns == []


def test_a_cell_has_the_curve_of_its_finite_values() -> None:
    events = [
        watched(1, t={"a": 0.5, "b": None}),
        watched(2, t={"a": math.nan, "b": 1.0}),
        watched(3, u={"a": 3.0, "b": 2.0}),
        watched(4, t={"a": 0.25, "b": 1.0}),
    ]
    (found,) = histories(events)
    assert found.columns == ["a", "b"]
    assert found.curve("t", "a") == Series([1, 4], [0.5, 0.25])
    assert found.curve("t", "b") == Series([2, 4], [1.0, 1.0])
    assert found.curve("u", "a") == Series([3], [3.0])


def test_the_last_state_has_each_row_as_it_was_last_recorded() -> None:
    """A task without labels in the last batch has no row there."""
    events = [watched(1, t={"a": 1.0}, u={"a": 2.0}), watched(2, t={"a": math.inf})]
    (found,) = histories(events)
    assert found.last == {"t": {"a": None}, "u": {"a": 2.0}}


def test_travel_is_the_way_from_first_to_last_over_all_cells() -> None:
    events = [
        watched(1, t={"a": 1.0, "b": 0.0}, u={"a": 1.0, "b": None}),
        watched(2, t={"a": 9.0, "b": 9.0}),
        watched(3, t={"a": 0.5, "b": 2.0}, u={"a": 1.0, "b": 5.0}),
    ]
    (found,) = histories(events)
    assert found.travel() == {"t": 2.5, "u": 0.0}


def test_a_title_without_rows_is_left_out() -> None:
    assert histories([watched(1)]) == []
