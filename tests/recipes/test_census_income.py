from pathlib import Path

from plait.recipes import CensusIncome
from plait.recipes.census_income import CATEGORIES, NUMBERS
from tests.recipes.known_tables import miniature, real


def test_labels_are_the_columns_words(tmp_path: Path) -> None:
    problem = CensusIncome(data=miniature("census-income", tmp_path))
    frame, labels = problem.frame, problem.labels
    assert labels["income"][:, 0].tolist() == frame["income_50k"].tolist()
    never = frame["marital_stat"] == "Never married"
    assert labels["never_married"][:, 0].tolist() == never.tolist()


def test_all_attributes_are_read_but_two(tmp_path: Path) -> None:
    problem = CensusIncome(data=miniature("census-income", tmp_path))
    assert len({*NUMBERS, *CATEGORIES}) == len(NUMBERS) + len(CATEGORIES) == 39
    left_out = set(problem.frame.columns) - {*NUMBERS, *CATEGORIES}
    assert left_out == {"marital_stat", "instance_weight", "income_50k", "split"}


def test_the_real_data() -> None:
    problem = CensusIncome(data=real("census-income"))
    assert [len(rows) for rows in problem.rows.values()] == [69833, 9976, 19953]
    shares = {name: round(labels.mean().item(), 3) for name, labels in problem.labels.items()}
    assert shares == {"income": 0.062, "never_married": 0.432}
