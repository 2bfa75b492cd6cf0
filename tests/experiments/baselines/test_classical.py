"""Models of scikit-learn beside networks: same rows, same measures, a reason where none fits."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score

from plait.experiments.baselines.classical import Classical, Model, classical
from plait.experiments.baselines.no_row import NoRow
from tests.experiments.baselines.networks import TASKS as PICTURES
from tests.experiments.baselines.networks import settings
from tests.experiments.baselines.tables import TASKS, frame, opened

MODELS: tuple[Model, ...] = ("linear", "trees")
Found = dict[str, Classical | NoRow]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return frame()


@pytest.fixture(scope="module", params=MODELS)
def found(request: pytest.FixtureRequest, table: pd.DataFrame) -> Found:
    config, problem = opened(table)
    return classical(config, request.param, problem=problem, resamples=20)


def own(found: Found, task: str) -> Classical:
    model = found[task]
    assert isinstance(model, Classical), model
    return model


def test_each_task_has_a_model_that_has_learned(found: Found) -> None:
    assert list(found) == list(TASKS)
    for task in TASKS:
        model = own(found, task)
        main = next(iter(model.test.metrics[task]))
        better = 1 if model.test.higher_is_better[task][main] else -1
        gain = model.test.metrics[task][main] - model.test.trivial[task][main]
        assert better * gain > 0, (task, model.test)
        assert model.parameters > 0 and model.size > 0 and model.seconds > 0
        assert model.tested


def test_the_score_is_the_skill_on_validation(found: Found) -> None:
    model = own(found, "sick")
    auroc = model.validation.metrics["sick"]["auroc"]
    assert model.score == pytest.approx((auroc - 0.5) / 0.5)


def test_a_model_of_each_column_of_labels(found: Found) -> None:
    assert [len(own(found, task).chosen) for task in TASKS] == [1, 1, 1, 2]


def test_there_are_as_many_resamples_as_asked_for(found: Found) -> None:
    drawn = own(found, "size").resamples
    assert drawn is not None and drawn.draws == 20
    assert len(drawn.metrics["size"]["mae"]) == 20
    mean = np.mean(drawn.metrics["size"]["mae"])
    assert mean == pytest.approx(own(found, "size").test.metrics["size"]["mae"], rel=0.2)


@pytest.mark.parametrize("model", MODELS)
def test_the_figures_are_those_of_scikit_learn(table: pd.DataFrame, model: Model) -> None:
    """From the predictions that were measured, by another library's functions."""
    config, problem = opened(table)
    given: dict[str, torch.Tensor] = {}
    measured = _noting(given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plait.experiments.baselines.classical.evaluate_predictions", measured)
        found = classical(config, model, problem=problem)
    test = table[table["split"] == "test"]
    there = test["size"].notna().to_numpy()
    size = given["size"].numpy()[:, 0]
    assert own(found, "size").test.metrics["size"]["mae"] == pytest.approx(
        mean_absolute_error(test["size"][there], size[there]), rel=1e-5
    )
    shares = given["sick"].sigmoid().numpy()[:, 0]
    assert own(found, "sick").test.metrics["sick"]["auroc"] == pytest.approx(
        roc_auc_score(test["sick"] == "yes", shares), rel=1e-5
    )
    there = test["kind"].notna().to_numpy()
    kind = np.array(list("abc"))[given["kind"].numpy().argmax(axis=1)]
    assert own(found, "kind").test.metrics["kind"]["accuracy"] == pytest.approx(
        accuracy_score(test["kind"][there], kind[there])
    )
    torch.testing.assert_close(given["kind"].exp().sum(dim=1), torch.ones(len(test)).double())
    assert given["marks"].shape == (len(test), 2)


def _noting(given: dict[str, torch.Tensor]) -> Any:
    """Measures as ever, and keeps the predictions: those of the test part come last."""
    from plait.evaluation import evaluate_predictions

    def measured(tasks: Any, predictions: Any, *args: Any, **options: Any) -> Any:
        given.update(predictions)
        return evaluate_predictions(tasks, predictions, *args, **options)

    return measured


@pytest.mark.parametrize("model", MODELS)
def test_other_labels_of_the_test_part_change_no_prediction(
    table: pd.DataFrame, model: Model
) -> None:
    """Nothing is chosen on the test part."""
    other = table.copy()
    test = other["split"] == "test"
    other.loc[test, "size"] = -1.0
    other.loc[test, "sick"] = "yes"
    other.loc[test, "kind"] = "a"
    predictions: list[dict[str, torch.Tensor]] = []
    for each in (table, other):
        config, problem = opened(each)
        predictions.append({})
        with pytest.MonkeyPatch.context() as patch:
            name = "plait.experiments.baselines.classical.evaluate_predictions"
            patch.setattr(name, _noting(predictions[-1]))
            classical(config, model, problem=problem)
    for task in TASKS:
        assert torch.equal(predictions[0][task], predictions[1][task])


def test_bounds_and_several_numbers(table: pd.DataFrame) -> None:
    """A bound is learned as the number that it states; each of several numbers has its model."""
    bounded = table.assign(size=table["size"].map(lambda s: "" if math.isnan(s) else f"{s:.3f}"))
    bounded.loc[:30, "size"] = ">2"
    tasks = {"size": {"kind": "number", "bounded": True}}
    tasks["both"] = {"kind": "numbers", "columns": ["red", "blue"]}
    config, problem = opened(bounded, tasks=tasks)
    for model in MODELS:
        found = classical(config, model, problem=problem)
        assert own(found, "size").test.metrics["size"]["mae"] < 2
        assert len(own(found, "both").chosen) == 2


def test_a_class_that_training_lacks_and_labels_that_are_all_equal(table: pd.DataFrame) -> None:
    odd = table.copy()
    train = odd["split"] == "train"
    odd.loc[train & (odd["kind"] == "c"), "kind"] = None
    odd.loc[train, "red"] = 1
    config, problem = opened(odd)
    for model in MODELS:
        found = classical(config, model, problem=problem)
        assert 0 < own(found, "kind").test.metrics["kind"]["accuracy"] < 0.9
        assert own(found, "marks").chosen[0] == {}


def test_survival_is_said_to_have_no_model(table: pd.DataFrame) -> None:
    timed = table.assign(days=np.arange(len(table)) + 1.0, died=table["red"])
    tasks = {"life": {"kind": "survival", "time": "days", "event": "died"}, "sick": "yes/no"}
    config, problem = opened(timed, tasks=tasks)
    found = classical(config, "linear", problem=problem)
    assert found["life"] == NoRow("scikit-learn has no such model of a task of kind Survival.")
    assert isinstance(found["sick"], Classical)


def test_pictures_are_said_to_be_no_rows() -> None:
    found = classical(settings(), "trees")
    assert list(found) == list(PICTURES)
    for each in found.values():
        assert isinstance(each, NoRow) and "tables of numbers and categories alone" in each.reason
