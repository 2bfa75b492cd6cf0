from pathlib import Path

from plait.recipes import Energy
from tests.recipes.known_tables import miniature, real


def test_loads_have_names_and_orientation_is_no_amount(tmp_path: Path) -> None:
    problem = Energy(data=miniature("energy", tmp_path))
    assert problem.labels["heating"][:, 0].tolist() == problem.frame["Y1"].tolist()
    assert problem.labels["cooling"][:, 0].tolist() == problem.frame["Y2"].tolist()
    kinds = {column.name: column.kind for column in problem.columns}
    assert {name for name, kind in kinds.items() if kind == "category"} == {"X6", "X8"}


def test_the_real_data() -> None:
    problem = Energy(data=real("energy"))
    assert [len(rows) for rows in problem.rows.values()] == [537, 76, 155]
    known = {column.name: column.values for column in problem.columns}
    assert known["X6"] == ["2", "3", "4", "5"]
    assert known["X8"] == ["0", "1", "2", "3", "4", "5"]
