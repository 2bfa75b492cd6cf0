from pathlib import Path

from plait.recipes import Wine
from plait.tasks import Classification, Regression
from tests.recipes.known_tables import miniature, real


def test_tasks(tmp_path: Path) -> None:
    quality, colour = Wine(data=miniature("wine", tmp_path)).tasks()
    assert isinstance(quality, Regression)
    assert isinstance(colour, Classification)
    assert colour.names == ["red", "white"]


def test_the_real_data() -> None:
    problem = Wine(data=real("wine"))
    assert {split: len(rows) for split, rows in problem.rows.items()} == {
        "train": 4552,
        "val": 654,
        "test": 1291,
    }
    assert problem.labels["colour"].bincount().tolist() == [1599, 4898]
    assert (problem.labels["quality"].min(), problem.labels["quality"].max()) == (3, 9)
    frame = problem.frame
    parts = frame.groupby(list(frame.columns.drop("split")))["split"].nunique()
    assert (len(parts), parts.max()) == (5320, 1)  # rows that are there several times stay together
