from pathlib import Path

from plait.recipes import Adult
from tests.recipes.known_tables import miniature, real


def test_labels_are_the_columns_words(tmp_path: Path) -> None:
    problem = Adult(data=miniature("adult", tmp_path))
    frame, labels = problem.frame, problem.labels
    never = frame["marital_status"] == "Never-married"
    assert labels["income"][:, 0].tolist() == (frame["income"] == ">50K").tolist()
    assert labels["never_married"][:, 0].tolist() == never.tolist()
    assert [task.names for task in problem.tasks()] == [
        ["<=50K", ">50K"],
        ["not Never-married", "Never-married"],
    ]


def test_what_gives_an_answer_away_is_not_read(tmp_path: Path) -> None:
    columns = Adult(data=miniature("adult", tmp_path)).columns
    assert not {"marital_status", "relationship", "income"} & {each.name for each in columns}
    assert all("?" not in each.values for each in columns)


def test_the_real_data() -> None:
    problem = Adult(data=real("adult"))
    assert len(problem.rows["train"]) + len(problem.rows["val"]) == 32561
    assert len(problem.rows["test"]) == 16281
    shares = {name: round(labels.mean().item(), 3) for name, labels in problem.labels.items()}
    assert shares == {"income": 0.239, "never_married": 0.330}
