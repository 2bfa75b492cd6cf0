"""Charts of a search show its trained trials, and say in words what they show."""

from plait.reports.charts.tuning import (
    front_chart,
    history_chart,
    importance_chart,
    trial_table,
)
from tests.reports.tuning_example import example


def test_the_history_has_a_panel_for_each_objective() -> None:
    found = example()
    chart = history_chart(found)
    assert [panel.name for panel in chart.panels] == ["skill ↑"]
    trained = [trial for trial in found.trials if trial.state == "trained"]
    best = max(trial.values[0] for trial in trained)
    assert chart.panels[0].summary == f"skill: the best of {len(trained)} trials has {best:.4g}."
    assert len(history_chart(example(objectives=3)).panels) == 3


def test_many_objectives_are_counted() -> None:
    chart = history_chart(example(objectives=15))
    assert len(chart.panels) == 12
    assert "Drawn are 12 of 15 objectives" in chart.caption
    front = front_chart(example(objectives=15))
    assert front is not None
    assert "Drawn are 12 of 105 pairs of objectives" in front.caption


def test_what_decides_is_ordered() -> None:
    chart = importance_chart(example())
    assert chart.tables[0].rows == [["optimizer.lr", "75.0 %"], ["balancing", "25.0 %"]]
    assert "from ten trained trials on" in importance_chart(example(importance={})).missing


def test_a_front_is_of_several_objectives() -> None:
    assert front_chart(example()) is None
    chart = front_chart(example(objectives=3))
    assert chart is not None
    assert len(chart.panels) == 3
    assert [row[0] for row in chart.tables[0].rows] == [str(example(objectives=3).best)]


def test_every_trial_is_in_the_table() -> None:
    table = trial_table(example())
    assert len(table.rows) == 16
    assert table.rows[0][-1] == "as they were"
    assert table.rows[1] == [
        "1",
        "–",
        "pruned: pruned after epoch 1",
        "optimizer.lr=0.02, balancing=Equal",
    ]


def test_nothing_trained_is_said() -> None:
    assert history_chart(example(0)).missing == "No trial was trained to its end."
    assert front_chart(example(0, objectives=2)) is None
