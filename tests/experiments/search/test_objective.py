"""The numbers that a search looks at, with their directions."""

import math

import pytest

from plait.core.errors import ConfigError
from plait.experiments.search.objective import objective
from plait.tasks import Task
from tests.experiments.search.made import result
from tests.experiments.search.opened import opened


def test_the_rule_is_one_number_and_higher_is_better() -> None:
    found = objective("rule", "worst", [])
    assert (found.names, found.directions, found.several) == (("worst",), ["maximize"], False)
    assert found.values(result(0.25)) == [0.25]
    assert math.isnan(found.values(result(-math.inf))[0]), "no epoch had a score"


def test_each_task_has_its_main_metric_in_its_direction() -> None:
    _, problem = opened()
    found = objective("task", "skill", problem.tasks())
    assert found.names == ("quarter/accuracy", "mask/iou", "spot/distance")
    assert found.directions == ["maximize", "maximize", "minimize"]
    assert found.several
    metrics = {"quarter": {"accuracy": 0.5, "f1": 0.1}, "spot": {"distance": 2.0}}
    values = found.values(result(validation=metrics))
    assert (values[0], values[2]) == (0.5, 2.0)
    assert math.isnan(values[1]), "it has no label there"


def test_a_task_without_a_metric_is_no_objective() -> None:
    _, problem = opened()
    bare = Task("bare", head=lambda shapes: None, loss=lambda output, target: output.mean())
    with pytest.raises(ConfigError, match="task 'bare' has no metric, so it can be no objective"):
        objective("task", "loss", [*problem.tasks(), bare])
