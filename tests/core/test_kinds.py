import pytest

from plait.core.kinds import Kind
from plait.tasks import (
    BaseTask,
    Classification,
    DenseRegression,
    MultiLabel,
    Regression,
    Segmentation,
    Tagging,
    Task,
)


def test_a_kind_says_how_many_numbers_a_prediction_has() -> None:
    assert Kind("classes").size((4,)) == Kind("classes").size((4, 8, 6)) == 4
    assert Kind("classes", -1).size((9, 4)) == 4
    assert Kind().size(()) == 1


@pytest.mark.parametrize(
    ("task", "kind", "shape"),
    [
        (Classification("a", classes=3), Kind("classes", 1), (3,)),
        (Segmentation("a", classes=3), Kind("classes", 1), (3, 8, 6)),
        (Tagging("a", classes=3), Kind("classes", -1), (7, 3)),
        (MultiLabel("a", labels=3), Kind("labels", 1), (3,)),
        (Regression("a", outputs=3), Kind("numbers", 1), (3,)),
        (DenseRegression("a", outputs=3), Kind("numbers", 1), (3, 8, 6)),
    ],
)
def test_every_task_says_what_its_predictions_are(
    task: BaseTask, kind: Kind, shape: tuple[int, ...]
) -> None:
    assert task.kind == kind
    assert task.kind.size(shape) == 3


def test_a_task_of_ones_own_can_say_it() -> None:
    task = Task("a", head=lambda shape: None, loss=lambda one, two: one)
    assert task.kind == Kind("other", 1)
    task.kind = Kind("labels")
    assert Task("b", head=lambda shape: None, loss=lambda one, two: one).kind == Kind("other", 1)
