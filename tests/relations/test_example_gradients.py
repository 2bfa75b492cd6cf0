"""Scores and their gradients against autograd, example by example."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError, DataError, UnsupportedError
from plait.core.structure import PerTask
from plait.model import MultiTaskModel
from plait.relations import example_gradients
from plait.sharing import Hard
from plait.tasks import Binary, Classification, Regression
from tests.relations.models import TASKS, batch_of, model_of, noisy_trunk


def shared_of(model: MultiTaskModel) -> list[nn.Parameter]:
    return [p for name, p in model.named_parameters() if not name.startswith("heads")]


def test_the_score_of_a_regression_is_its_error() -> None:
    model = model_of(nn.Linear(4, 3))
    inputs, labels = batch_of(rows=5)
    labels["b"][2] = torch.nan
    found = example_gradients(model, [(inputs, labels)], directions=1000)
    assert found["b"].units.tolist() == [1, 2, 4, 5] and len(found["a"].scores) == 5
    errors = (model(inputs)["a"][:, 0] - labels["a"]).detach()
    np.testing.assert_allclose(found["a"].scores, errors.abs(), rtol=1e-5)
    for row in range(5):
        output = model(inputs[row : row + 1])["a"].sum()
        slopes = torch.autograd.grad(output, shared_of(model))
        expected = torch.cat([g.flatten() for g in slopes]) * errors[row].sign()
        np.testing.assert_allclose(found["a"].features[row], expected, rtol=1e-4, atol=1e-6)
    assert found["a"].kind == "squared" and found["a"].masses.tolist() == [1.0] * 5


def test_the_score_of_a_classifier_is_its_margin() -> None:
    tasks = [Binary("yes"), Classification("kind", classes=3)]
    model = MultiTaskModel(Hard(nn.Linear(4, 3)), tasks, example=torch.zeros(2, 4)).double()
    inputs, _ = batch_of(rows=6)
    inputs = inputs.double()
    labels = {"yes": torch.tensor([[1], [0], [1], [0], [0], [1]]), "kind": torch.arange(6) % 3}
    found = example_gradients(model, [(inputs, labels)], directions=1000)
    outputs = model(inputs)
    signed = outputs["yes"][:, 0] * (2 * labels["yes"][:, 0] - 1)
    chances = outputs["kind"].softmax(dim=1)[torch.arange(6), labels["kind"]]
    for name, margins in (("yes", signed), ("kind", (chances / (1 - chances)).log())):
        assert found[name].kind == "logistic"
        np.testing.assert_allclose(found[name].scores, margins.detach(), rtol=1e-6, atol=1e-8)
        for row, margin in enumerate(margins):
            slopes = torch.autograd.grad(margin, shared_of(model), retain_graph=True)
            expected = torch.cat([g.flatten() for g in slopes])
            np.testing.assert_allclose(found[name].features[row], expected, rtol=1e-5, atol=1e-8)


def test_nothing_is_left_in_the_model() -> None:
    model = model_of(noisy_trunk()).train()
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    example_gradients(model, [batch_of()], directions=5)
    assert model.training and torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_groups_of_examples_have_their_mean_loss() -> None:
    model, batch = model_of(nn.Linear(4, 3)), batch_of(rows=5)
    one = example_gradients(model, [batch])["a"]
    found = example_gradients(model, [batch], group=2)["a"]
    assert found.masses.tolist() == [2.0, 2.0, 1.0]
    pairs = np.array([one.scores[:2], one.scores[2:4]])
    np.testing.assert_allclose(found.scores[:2] ** 2, (pairs**2).mean(axis=1), rtol=1e-5)
    whole = example_gradients(model, [batch, batch], group=None)["a"]
    assert whole.masses.tolist() == [5.0, 5.0] and whole.units.tolist() == [1, 2]


def test_inputs_of_their_own_are_cut_task_by_task() -> None:
    example = PerTask({task: torch.zeros(2, 4) for task in TASKS})
    tasks = [Regression(task, mean=0.0, scale=1.0) for task in TASKS]
    model = MultiTaskModel(Hard(nn.Linear(4, 3)), tasks, example=example)
    sizes = dict(zip(TASKS, (3, 5, 4), strict=True))
    inputs = PerTask({task: batch_of(rows=n, seed=n)[0] for task, n in sizes.items()})
    labels = {task: batch_of(rows=n)[1][task] for task, n in sizes.items()}
    found = example_gradients(model, [model.batch(inputs, labels)])
    assert {task: len(each.scores) for task, each in found.items()} == sizes
    for task, each in found.items():
        errors = model(inputs, tasks=[task])[task][:, 0] - labels[task]
        np.testing.assert_allclose(each.scores, errors.detach().abs(), rtol=1e-4, atol=1e-6)


def test_the_directions_are_a_function_of_the_seed() -> None:
    model, batch = model_of(nn.Linear(4, 3)), batch_of()
    one, same, other = (
        example_gradients(model, [batch], directions=4, seed=s)["a"].features for s in (0, 0, 1)
    )
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert one.shape == (8, 4)


def test_what_does_not_fit_is_refused() -> None:
    model = model_of(nn.Linear(4, 3))
    inputs, labels = batch_of()
    with pytest.raises(ConfigError, match="unknown task"):
        example_gradients(model, [], kinds={"d": "squared"})
    with pytest.raises(ConfigError, match="group"):
        example_gradients(model, [], group=0)
    with pytest.raises(DataError, match="no batch"):
        example_gradients(model, [])
    with pytest.raises(UnsupportedError, match="rows"):
        example_gradients(model, [model.batch(inputs[:4], labels)])
