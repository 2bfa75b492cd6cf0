"""Linear models of all tasks at once, against one task at a time and closed forms."""

import numpy as np
import pytest
import torch

from plait.data import Disjoint
from plait.evaluation import evaluate
from plait.experiments.reproduce.linear_tasks import Descent, LinearTasks, TaskRows, fit_chosen
from plait.experiments.reproduce.school import prox
from plait.recipes import School
from plait.regularization import MeanRegularized
from tests.recipes.table_folders import school, write


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> tuple[School, dict[str, Disjoint]]:
    recipe = School(data=write(tmp_path_factory.mktemp("data"), "school", school()))
    found = {name: part for name, part in recipe.splits().items() if isinstance(part, Disjoint)}
    return recipe, found


@pytest.fixture
def tasks(splits: tuple[School, dict[str, Disjoint]]) -> LinearTasks:
    return LinearTasks(*splits)


def test_the_loss_is_that_of_the_model(tasks: LinearTasks) -> None:
    model = tasks.model()
    descent = Descent(tasks, model)
    with torch.no_grad():
        descent.weights.copy_(torch.randn_like(descent.weights))
    batch = model.batch(tasks.test.inputs, tasks.test.targets)
    expected = sum(evaluate(model, [batch]).losses.values())
    found = float(tasks.loss(descent.weights, tasks.test))
    assert found == pytest.approx(expected, rel=1e-5)


def test_rows_that_fill_up_count_nothing(tasks: LinearTasks) -> None:
    rows = tasks.train
    assert rows.shares.sum(dim=1).tolist() == pytest.approx([1.0] * len(tasks.tasks))
    assert not rows.rows[rows.shares == 0].any()


def test_ridge_regression_is_the_closed_form(tasks: LinearTasks) -> None:
    weights, strength, _ = fit_chosen(tasks, (0.3,), None, tasks.train, 1000)
    assert strength == 0.3
    assert tasks.unit is not None
    mean, scale = (float(each) for each in tasks.unit)
    own = weights.view(len(tasks.tasks), -1)
    for place, task in enumerate(tasks.train.targets):
        x = tasks.train.inputs[task].double().numpy()
        y = (tasks.train.targets[task].flatten().double().numpy() - mean) / scale
        x1 = np.c_[x, np.ones(len(x))]
        penalty = 0.3 * np.diag([1.0] * x.shape[1] + [0.0])  # half of it in the objective
        expected = np.linalg.solve(2 * x1.T @ x1 / len(x) + penalty, 2 * x1.T @ y / len(x))
        assert own[place].numpy() == pytest.approx(expected, abs=2e-3)


def test_an_endless_tie_is_one_model_for_all(tasks: LinearTasks) -> None:
    weights, _, _ = fit_chosen(tasks, (1e6,), prox(MeanRegularized), tasks.train, 50)
    own = weights.view(len(tasks.tasks), -1)
    assert (own - own.mean(dim=0)).abs().max() < 1e-3
    assert own.abs().max() > 0.01


def test_the_strength_of_the_smallest_loss_is_chosen(
    splits: tuple[School, dict[str, Disjoint]], tasks: LinearTasks
) -> None:
    strengths = (30.0, 1.0, 0.03)
    losses = []
    descent = Descent(tasks, tasks.model())
    for strength in strengths:
        descent.run(tasks.train, 30, ridge=strength)
        losses.append(float(tasks.loss(descent.weights, tasks.val)))
    both = TaskRows(splits[1]["train"], splits[1]["val"])
    _, chosen, _ = fit_chosen(tasks, strengths, None, both, 30)
    assert chosen == strengths[int(np.argmin(losses))]
