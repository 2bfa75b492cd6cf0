"""The column of a task in the steps of a log."""

import math
from itertools import combinations

from plait.runs import Step, StepColumns, Tasks
from plait.runs.step_rows import StepRows

WHERE = {"epoch": 0, "lr": 0.1, "seconds": 1.0, "gradient_norm": None}


def columns() -> StepColumns:
    rows = StepRows()
    rows.name(Tasks(names=["a", "b", "c"]), "here")
    rows.add(Step(step=1, losses=[1.0, None, 3.0], **WHERE), "here")
    rows.add(Step(step=2, losses=[4.0, 5.0, 6.0], **WHERE), "here")
    return rows.columns()


def test_a_task_has_a_number_or_none_at_each_step() -> None:
    steps = columns()
    assert len(steps) == 2
    assert steps.of(steps.losses, "c").tolist() == [3.0, 6.0]
    assert math.isnan(steps.of(steps.losses, "b")[0])


def test_a_task_that_the_log_does_not_name_has_none() -> None:
    steps = columns()
    found = steps.of(steps.losses, "d").tolist()
    assert len(found) == 2 and all(map(math.isnan, found))


def test_the_pairs_are_those_of_the_names_in_order() -> None:
    assert columns().pairs == list(combinations("abc", 2))
