"""Quality against cost: every member that has both, beside the separate networks."""

import math
from dataclasses import replace

from plait.reports.charts.trade import trade_chart
from plait.reports.draw.style import looks
from tests.reports.words.made import breaking, of_members


def test_members_stand_at_their_cost_and_their_mean() -> None:
    found = of_members(x=2.0, y=-6.0)
    chart = trade_chart(found, looks(found.labels, dashed=True))
    size, time = chart.panels
    assert size.summary == (
        "Quality against size. Separate networks: 0.002 million parameters, +0.0 %; "
        "x: 0.0005 million parameters, +2.0 %; y: 0.0005 million parameters, -6.0 %. "
        "On the front: x."
    )
    assert "x: 1 minutes of training" in time.summary
    assert list(chart.marks) == ["Separate networks", "x", "y"]
    (table,) = chart.tables
    assert breaking(table.rows[1][1]) == "+2.0 % [+1.5, +2.5]"


def test_what_has_no_cost_or_no_mean_is_left_out() -> None:
    found = of_members(x=2.0, y=math.nan)
    size, _ = trade_chart(found, looks(found.labels)).panels
    assert "y:" not in size.summary
    nothing = of_members(x=math.nan)
    assert trade_chart(nothing, looks(nothing.labels)).missing


def test_without_intervals_the_bare_means_are_drawn() -> None:
    found = replace(of_members(x=2.0, y=-6.0), changes=[])
    chart = trade_chart(found, looks(found.labels))
    assert "x: 0.0005 million parameters, +2.0 %" in chart.panels[0].summary
    assert breaking(chart.tables[0].rows[1][1]) == "+2.0 %"
