"""Tasks of several sources: alike, or refused by name."""

import pytest

from plait.core.errors import ConfigError
from plait.recipes._joined_tasks import joined_tasks
from plait.tasks import BaseTask, Binary, Classification, Regression


def test_a_common_task_is_that_of_the_first_source() -> None:
    first = Classification("digit", classes=10, class_weights=[1.0] * 10)
    second = Classification("digit", classes=10)
    speaker = Classification("speaker", classes=4)
    assert joined_tasks({"a": [first], "b": [second, speaker]}) == [first, speaker]


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (Classification("y", classes=3), Binary("y"), "Classification and Binary"),
        (Classification("y", classes=3), Classification("y", classes=4), "`classes` 3 and 4"),
        (
            Classification("y", classes=2, names=["a", "b"]),
            Classification("y", classes=2, names=["b", "a"]),
            "the classes a, b and b, a. State all of them for both, in one order",
        ),
        (
            Classification("y", classes=2, names=["a", "b"]),
            Classification("y", classes=3, names=["a", "b", "c"]),
            "the classes a, b and a, b, c",
        ),
        (Regression("y"), Regression("y", outputs=2), "`outputs` 1 and 2"),
    ],
)
def test_a_clash_names_both_sources(one: BaseTask, other: BaseTask, found: str) -> None:
    message = f"the sources 'web' and 'lab' must define task 'y' alike; found {found}"
    with pytest.raises(ConfigError, match=message):
        joined_tasks({"web": [one], "lab": [other]})
