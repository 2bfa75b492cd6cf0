"""Measured gradients: each pair, each layer, and over the training."""

from dataclasses import replace

import pytest

from plait.reports.charts.measured_conflict import conflict_chart, history_chart, layer_chart
from plait.runs.diagnosis import Conflict
from tests.reports.diagnosis_example import made_diagnosis
from tests.reports.figure import figure
from tests.reports.words.made import breaking


def test_pairs_are_in_three_maps_and_in_a_table_the_worst_first() -> None:
    found = made_diagnosis()
    assert found.conflict is not None
    chart = conflict_chart(found)
    assert [panel.name for panel in chart.panels] == [
        "Cosine",
        "Share of batches in conflict",
        "Magnitude similarity",
    ]
    first = figure(chart.panels[0].plot)["data"][0]["z"]
    assert first[0][0] is None
    assert first[1][0] == found.conflict.cosines[1][0]
    (table,) = chart.tables
    assert len(table.rows) == 6
    cosines = [float(row[1].split(" ")[0]) for row in table.rows]
    assert cosines == sorted(cosines)
    assert "±" in table.rows[0][1]


def test_layers_have_a_column_for_each_pair_where_pairs_are_few() -> None:
    found = made_diagnosis()
    chart = layer_chart(found)
    (panel,) = chart.panels
    layout = figure(panel.plot)["layout"]
    assert layout["xaxis"]["ticktext"][:2] == ["All pairs", "digit, mask"]
    assert layout["yaxis"]["ticktext"] == ["0.conv", "0.norm", "1.conv"]
    assert "All names begin with sharing.encoder." in chart.caption
    z = figure(panel.plot)["data"][0]["z"]
    assert z[1][1] == pytest.approx(found.layers[1].cosines[0][1], rel=1e-3)
    many = made_diagnosis([f"t{i}" for i in range(12)], layers=("one",))
    ticks = figure(layer_chart(many).panels[0].plot)["layout"]
    assert ticks["xaxis"]["ticktext"] == ["All pairs"]
    assert ticks["yaxis"]["ticktext"] == ["one"]


def test_a_layer_without_matrices_has_its_mean() -> None:
    found = made_diagnosis()
    bare = Conflict(
        name="bare", parameters=1, tasks=["digit", "mask"], cosine=0.1, rate=0.2, norms=[1.0, 1.0]
    )
    layers = [bare, *found.layers[1:]]
    z = figure(layer_chart(replace(found, layers=layers)).panels[0].plot)["data"][0]["z"]
    assert z[0][1:] == [None] * 6


def test_the_training_is_drawn_with_the_shares() -> None:
    chart = history_chart(made_diagnosis())
    assert [panel.name for panel in chart.panels] == [
        "Mean over all pairs",
        "Share of each task in the update",
    ]
    (table,) = chart.tables
    assert table.head[:4] == ["Step", "mean cosine", "share in conflict", "magnitude similarity"]
    assert table.rows[0][:3] == ["60", "0.3", "0.2"]


def test_what_is_missing_is_said() -> None:
    bare = replace(made_diagnosis(), conflict=None, layers=[], history=[])
    assert all(each(bare).missing for each in (conflict_chart, layer_chart, history_chart))
    unknown = replace(made_diagnosis().conflict, deviations=[[None] * 4] * 4)
    (table,) = conflict_chart(replace(made_diagnosis(), conflict=unknown)).tables
    assert all("±" not in row[1] for row in table.rows)
    assert breaking(table.rows[0][2]).endswith(" %")
