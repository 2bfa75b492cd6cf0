"""The chart and the table of descents say what the file holds."""

from dataclasses import replace

from plait.reports.charts.descents import descent_chart, descent_table
from tests.runs.descents_made import descents


def test_each_method_that_descended_has_a_panel() -> None:
    chart = descent_chart(descents())
    assert [panel.name for panel in chart.panels] == ["Stuck: 1 of 2", "Good: 2 of 2"]
    assert list(chart.legend) == ["Start 1", "Start 2"]
    assert "Good: 2 of 2 descents end on the Pareto front." in chart.panels[1].summary


def test_the_best_stand_first_in_the_table_and_refusals_last() -> None:
    assert descent_table(descents()).rows == [
        ["Good", "2 of 2", "0.1", "90", "both losses raised above zero"],
        ["Stuck", "1 of 2", "9", "–", ""],
        ["Other", "–", "–", "–", "reads <two> batches"],
    ]


def test_without_a_descent_the_chart_says_so() -> None:
    assert descent_chart(replace(descents(), methods=[])).missing
