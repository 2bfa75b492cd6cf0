import numpy as np
import pytest

from plait.core.errors import DataError
from plait.tasks import Binary, Classification, MultiLabel, Regression, Survival
from tests.recipes.a_table import table
from tests.recipes.test_table import opened


def test_tasks_have_the_class_of_their_kind_and_what_the_table_says_of_it() -> None:
    spend, plan, left, topics = opened().tasks()
    assert type(spend) is Regression
    assert type(plan) is Classification
    assert plan.names == ["basic", "plus", "pro"]
    assert type(left) is Binary
    assert left.names == ["here", "gone"]
    assert type(topics) is MultiLabel
    assert topics.names == ["x", "y"]


def test_balanced_weights_are_those_of_the_training_rows() -> None:
    problem = opened()
    (plan,) = (task for task in problem.tasks() if task.name == "plan")
    there = table().iloc[problem.rows["train"]]["plan"].value_counts()
    expected = there.sum() / (3 * there.loc[["basic", "plus", "pro"]])
    np.testing.assert_allclose(plan.class_weights, expected)


def test_balanced_weights_of_tags_are_a_pair_for_each() -> None:
    frame = table()
    frame["hot"] = ["yes", "no", "no", None] * 15
    tags = {"kind": "tags", "columns": ["hot", "member"], "class_weights": "balanced"}
    yes_no = {"kind": "yes/no", "column": "hot", "class_weights": "balanced"}
    problem = opened(frame, tasks={"two": tags, "one": yes_no}, inputs={"age": "number"})
    hot = frame.iloc[problem.rows["train"]]["hot"].value_counts()
    expected = pytest.approx([hot.sum() / 2 / hot["no"], hot.sum() / 2 / hot["yes"]])
    two, one = problem.tasks()
    assert two.class_weights[0] == expected
    assert one.class_weights == expected


def test_a_survival_has_cuts_at_quantiles_of_the_events_in_training() -> None:
    frame = table()
    frame["months"], frame["died"] = range(1, 61), ["yes", "no", None] * 20
    described = {"kind": "survival", "time": "months", "event": "died"}
    problem = opened(frame, tasks={"life": described}, inputs={"town": "category"})
    (life,) = problem.tasks()
    assert type(life) is Survival
    train = frame.iloc[problem.rows["train"]]
    events = train["months"][train["died"] == "yes"]
    assert set(life.cuts) <= set(events)
    assert life.cuts[-1] == events.max()
    assert life.count(problem.labels["life"]) == frame["died"].notna().sum()
    given = {**described, "cuts": [12, 24]}
    (life,) = opened(frame, tasks={"life": given}, inputs={"town": "category"}).tasks()
    assert life.cuts == [12, 24]


def test_bounded_numbers_are_a_low_and_a_high_end() -> None:
    frame = table()
    frame["dose"] = ["1.5", ">10", "<0.5", None] * 15
    described = {"dose": {"kind": "number", "bounded": True}}
    problem = opened(frame, tasks=described, inputs={"town": "category"})
    (dose,) = problem.tasks()
    assert dose.bounded
    labels = problem.labels["dose"]
    assert labels.shape == (60, 1, 2)
    assert dose.count(labels) == 45
    inf = float("inf")
    assert labels[:3, 0].tolist() == [[1.5, 1.5], [10, inf], [-inf, 0.5]]


def test_rows_that_have_no_label_are_told_to_the_tasks() -> None:
    problem = opened()
    splits = problem.splits()
    counts = {
        task.name: sum(task.count(data.targets[task.name]) for data in splits.values())
        for task in problem.tasks()
        if not isinstance(task, Classification)
    }
    frame = table()
    assert counts["spend"] == frame["spend"].notna().sum()
    assert counts["left"] == frame["left"].notna().sum()


@pytest.mark.parametrize(("far", "wrong"), [(1.4, False), (120.0, True)])
def test_boxes_are_fractions_of_a_picture(far: float, wrong: bool) -> None:
    frame = table()
    for name, value in {"x0": 0.1, "y0": -0.2, "x1": 0.5, "y1": 0.9}.items():
        frame[name] = value
    frame.loc[2, "x1"] = far
    frame.loc[1, ["x0", "y0", "x1", "y1"]] = None
    columns = ["x0", "y0", "x1", "y1"]
    box = {"kind": "numbers", "columns": columns, "vector": True, "geometry": "box"}
    problem = opened(frame, tasks={"box": box}, inputs={"town": "category"})
    if not wrong:
        assert problem.labels["box"][2].tolist() == pytest.approx([0.1, -0.2, far, 0.9])
        return
    with pytest.raises(DataError, match=r"row 3, column 'x1' of .* found 120\. Divide pixels"):
        assert problem.labels
