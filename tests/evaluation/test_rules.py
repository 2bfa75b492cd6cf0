import math
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torchmetrics.regression import R2Score

from plait.core.errors import ConfigError, DataError
from plait.evaluation import Evaluation, rule, skill
from plait.evaluation.rules import check_labels
from plait.tasks import BaseTask, Classification, MultiLabel, Regression, Task

BREED = Classification("breed", classes=3, weight=2.0)
AGE = Regression("age")
TASKS = {"breed": BREED, "age": AGE}
EVALUATION = Evaluation(
    losses={"breed": 1.5, "age": 0.25},
    metrics={"breed": {"accuracy": 0.8, "f1": 0.7}, "age": {"mae": 3.0, "rmse": 4.0}},
    trivial={"breed": {"accuracy": 0.5, "f1": 0.2}, "age": {"mae": 4.0, "rmse": 5.0}},
    counts={"breed": 10.0, "age": 5.0},
)
# (0.8 - 0.5) / (1 - 0.5) of the accuracy, (3 - 4) / (0 - 4) of the mean absolute error
SKILLS = {"breed": 0.6, "age": 0.25}


def bare() -> BaseTask:
    return Task("bare", head=lambda shape: torch.nn.Identity(), loss=lambda p, y: (p - y) ** 2)


def test_skill_is_the_share_of_the_way_from_trivial_to_perfect() -> None:
    assert skill(TASKS, EVALUATION.metrics, EVALUATION.trivial) == pytest.approx(SKILLS)


def test_skill_of_trivial_perfect_and_worse() -> None:
    perfect = {"breed": {"accuracy": 1.0}, "age": {"mae": 0.0}}
    worse = {"breed": {"accuracy": 0.25}, "age": {"mae": 8.0}}
    trivial = EVALUATION.trivial
    assert skill(TASKS, trivial, trivial) == {"breed": 0.0, "age": 0.0}
    assert skill(TASKS, perfect, trivial) == {"breed": 1.0, "age": 1.0}
    assert skill(TASKS, worse, trivial) == {"breed": -0.5, "age": -1.0}


def test_the_loss_by_label_is_the_mean_over_all_labels() -> None:
    by_label = rule("loss", TASKS, reduction="label")
    assert by_label(EVALUATION) == pytest.approx(-(10 * 2 * 1.5 + 5 * 0.25) / 15)
    absent = replace(EVALUATION, losses={"age": 0.25}, counts={"breed": 0.0, "age": 5.0})
    assert by_label(absent) == -0.25
    nothing = replace(EVALUATION, losses={}, counts={"breed": 0.0, "age": 0.0})
    assert by_label(nothing) == 0


def test_the_first_metric_is_the_main_one() -> None:
    tasks = {"age": Regression("age", metrics={"r2": R2Score(), **AGE.new_metrics()})}
    metrics = {"age": {"r2": 0.75, "mae": 3.0, "rmse": 4.0}}
    trivial = {"age": {"r2": -0.25, "mae": 4.0, "rmse": 5.0}}
    assert skill(tasks, metrics, trivial) == {"age": pytest.approx(1.0 / 1.25)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("skill", (0.6 + 0.25) / 2),
        ("worst", 0.25),
        ("loss", -(2 * 1.5 + 0.25)),
        ("breed/accuracy", 0.8),
        ("breed/f1", 0.7),
        ("age/rmse", -4.0),
    ],
)
def test_a_rule_is_higher_where_the_model_is_better(name: str, expected: float) -> None:
    assert rule(name, TASKS)(EVALUATION) == pytest.approx(expected)


def test_a_task_name_may_hold_a_slash() -> None:
    tasks = {"eu/age": Regression("eu/age")}
    evaluation = Evaluation({}, {"eu/age": {"mae": 2.0}}, {}, {})
    assert rule("eu/age/mae", tasks)(evaluation) == -2.0


def test_any_function_is_a_rule() -> None:
    assert rule(lambda e: e.counts["breed"], TASKS)(EVALUATION) == 10.0


@pytest.mark.parametrize(
    ("name", "near"),
    [("skil", "skill"), ("age/rms", "age/rmse"), ("bred/f1", "breed/f1"), ("losses", "loss")],
)
def test_an_unknown_rule_is_refused(name: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown rule '{name}'.* Did you mean '{near}'"):
        rule(name, TASKS)


@pytest.mark.parametrize("name", ["skill", "worst"])
def test_skill_needs_a_metric_and_a_trivial_predictor(name: str) -> None:
    with pytest.raises(ConfigError, match="skill is not defined for task 'bare'"):
        rule(name, {**TASKS, "bare": bare()})
    no_metric = Classification("breed", classes=3, metrics={})
    with pytest.raises(ConfigError, match="skill is not defined for task 'breed'"):
        rule(name, {"breed": no_metric})
    assert rule("loss", {"bare": bare()})(Evaluation({"bare": 2.0}, {}, {}, {})) == -2.0


def test_skill_needs_a_metric_with_a_best_value() -> None:
    class Unbounded(R2Score):
        plot_upper_bound = None

    tasks = {"age": Regression("age", metrics={"r2": Unbounded()})}
    with pytest.raises(ConfigError, match=r"'age/r2' .* has no best value"):
        rule("skill", tasks)
    assert rule("age/r2", tasks)(Evaluation({}, {"age": {"r2": 0.5}}, {}, {})) == 0.5


@pytest.mark.parametrize("base", [1.0, math.nan])
def test_skill_is_left_out_where_the_labels_do_not_define_it(base: float) -> None:
    """A constant is perfect, or the metric is not defined."""
    trivial = {"breed": {"accuracy": base}, "age": {"mae": 4.0}}
    assert math.isnan(skill(TASKS, EVALUATION.metrics, trivial)["breed"])
    evaluation = replace(EVALUATION, trivial=trivial)
    assert rule("skill", TASKS)(evaluation) == rule("worst", TASKS)(evaluation) == 0.25
    nowhere = replace(evaluation, trivial={**trivial, "age": {"mae": 0.0}})
    assert math.isnan(rule("skill", TASKS)(nowhere))


def test_an_epoch_whose_own_metric_is_not_a_number_has_no_skill() -> None:
    """Or else an epoch would be better for what it could not do."""
    metrics = {"breed": {"accuracy": math.nan}, "age": {"mae": 0.0}}
    assert math.isnan(rule("skill", TASKS)(replace(EVALUATION, metrics=metrics)))


@pytest.mark.parametrize(
    ("name", "refused"),
    [("skill", False), ("worst", False), ("age/mae", True), ("breed/f1", False), ("loss", False)],
)
def test_a_named_metric_needs_labels_of_its_task(name: str, refused: bool) -> None:
    absent = replace(EVALUATION, counts={"breed": 10.0, "age": 0.0})
    with pytest.raises(DataError, match="'age' has no valid") if refused else nullcontext():
        check_labels(name, TASKS, absent)


@pytest.mark.parametrize("name", ["skill", "worst", "age/mae"])
def test_a_task_without_labels_has_no_value(name: str) -> None:
    absent = Evaluation({}, {"breed": EVALUATION.metrics["breed"]}, EVALUATION.trivial, {})
    with pytest.raises(DataError, match="task 'age' has no valid label in this split"):
        rule(name, TASKS)(absent)
    assert rule("breed/f1", TASKS)(absent) == 0.7


def test_what_is_not_a_number_stays_so() -> None:
    metrics = {"breed": {"accuracy": math.nan}, "age": {"mae": 3.0}}
    assert math.isnan(skill(TASKS, metrics, EVALUATION.trivial)["breed"])


SEVERAL = {"sentence_accuracy": ["breed", "tags"]}
RIGHT_OR_WRONG = {
    "breed": Classification("breed", classes=3),
    "tags": MultiLabel("tags", labels=2),
    "age": Regression("age"),
}


def test_a_metric_over_several_tasks_is_a_rule() -> None:
    evaluation = replace(EVALUATION, all_right={"sentence_accuracy": 0.25})
    name = "all_right/sentence_accuracy"
    assert rule(name, RIGHT_OR_WRONG, all_right=SEVERAL)(evaluation) == 0.25
    check_labels(name, RIGHT_OR_WRONG, evaluation)
    with pytest.raises(DataError, match="no example of this split has a label of each task"):
        check_labels(name, RIGHT_OR_WRONG, replace(evaluation, all_right={name[10:]: math.nan}))
    for other in ("sentence_accuracy", "all_right/other"):
        with pytest.raises(ConfigError, match=f"'{other}'.*{name}"):
            rule(other, RIGHT_OR_WRONG, all_right=SEVERAL)
    with pytest.raises(ConfigError, match=name):
        rule(name, RIGHT_OR_WRONG)
    with pytest.raises(ConfigError, match="found task 'age', a Regression"):
        rule("loss", RIGHT_OR_WRONG, all_right={"all": ["breed", "age"]})
