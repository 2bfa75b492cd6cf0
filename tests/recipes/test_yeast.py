from pathlib import Path

from plait.recipes import Yeast
from plait.tasks import MultiLabel
from tests.recipes.known_tables import miniature, real

CLASSES = [f"Class{number}" for number in range(1, 15)]


def test_fourteen_columns_are_the_labels_of_one_task(tmp_path: Path) -> None:
    problem = Yeast(data=miniature("yeast", tmp_path))
    (task,) = problem.tasks()
    assert isinstance(task, MultiLabel)
    assert task.names == CLASSES
    assert problem.labels["functions"].tolist() == problem.frame[CLASSES].to_numpy().tolist()
    assert list(problem.inputs) == [f"Att{number}" for number in range(1, 104)]


def test_the_real_data() -> None:
    problem = Yeast(data=real("yeast"))
    assert len(problem.rows["train"]) + len(problem.rows["val"]) == 1500
    assert len(problem.rows["test"]) == 917
    labels = problem.labels["functions"]
    assert round(labels.sum().item() / len(labels), 2) == 4.24
    assert labels.sum(dim=0).min() == 34
