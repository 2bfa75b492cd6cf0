"""Affinities: rows act on columns, groups stand together, and shares add up."""

from dataclasses import replace

import pytest

from plait.reports.charts.affinity import affinity_chart, affinity_edges, share_chart
from plait.runs.diagnosis import Affinity
from tests.reports.diagnosis_example import TASKS, made_diagnosis
from tests.reports.figure import figure


def test_the_tasks_of_a_group_stand_beside_each_other() -> None:
    found = made_diagnosis()
    heat, graph = affinity_chart(found).panels
    order = ["digit", "centre", "mask", "shape"]
    cells = figure(heat.plot)
    assert cells["layout"]["yaxis"]["ticktext"] == order
    assert found.affinity is not None
    i, j = TASKS.index("centre"), TASKS.index("mask")
    assert cells["data"][0]["z"][1][2] == pytest.approx(found.affinity.values[i][j], rel=1e-3)
    points = figure(graph.plot)["data"][-1]
    assert points["text"] == order
    colours = points["marker"]["color"]
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_an_edge_is_the_mean_of_both_directions() -> None:
    values = [[0.5, 0.2, None], [-0.4, 0.5, 0.1], [None, None, 0.5]]
    affinity = Affinity(method="TAG", values=values, batches=1, step=0.1)
    found = replace(made_diagnosis(("a", "b", "c")), affinity=affinity)
    assert affinity_edges(found) == [
        ("a", "b", pytest.approx(-0.1)),
        ("b", "c", pytest.approx(0.1)),
    ]


def test_many_tasks_have_no_graph() -> None:
    found = made_diagnosis([f"t{i}" for i in range(30)], layers=())
    chart = affinity_chart(found)
    assert len(chart.panels) == 1
    assert "Lines" not in chart.caption


def test_what_was_not_measured_is_said() -> None:
    bare = replace(made_diagnosis(), affinity=None, grouping=None, shares={}, balanced_shares={})
    assert affinity_chart(bare).missing
    assert share_chart(bare).missing
    assert affinity_edges(bare) == []


def test_shares_are_those_of_the_sum_and_of_the_run() -> None:
    (table,) = share_chart(made_diagnosis()).tables
    assert table.head == ["Task", "Plain sum", "Weights of the run"]
    assert table.rows[:2] == [["digit", "120%", "25%"], ["mask", "-7%", "25%"]]
    alone = replace(made_diagnosis(), balanced_shares={})
    assert share_chart(alone).tables[0].head == ["Task", "Plain sum"]
