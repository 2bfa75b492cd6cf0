"""The Gramian of each layer against plain autograd, and no trace in the model."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError, DataError
from plait.model import MultiTaskModel
from plait.relations import gradient_conflict, layer_gramians
from plait.sharing import Separate
from tests.relations.models import TASKS, batch_of, model_of, noisy_trunk, regressions


def test_each_layer_has_the_products_of_its_own_gradients() -> None:
    trunk = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    model = model_of(trunk).double()
    inputs, labels = batch_of()
    batch = (inputs.double(), {task: y.double() for task, y in labels.items()})
    found = layer_gramians(model, batch)
    assert found.tasks == TASKS and len(found.layers) == 2
    outputs = model(batch[0])
    losses = [(outputs[t][:, 0] - batch[1][t]).square().mean() for t in TASKS]
    layers = [list(layer.parameters()) for layer in trunk if list(layer.parameters())]
    total = np.zeros((3, 3))
    for parameters, gramian in zip(layers, found.layers.values(), strict=True):
        slopes = [torch.autograd.grad(loss, parameters, retain_graph=True) for loss in losses]
        rows = torch.stack([torch.cat([g.flatten() for g in each]) for each in slopes])
        np.testing.assert_allclose(gramian, (rows @ rows.T).numpy(), rtol=1e-10)
        total += gramian
    np.testing.assert_allclose(found.total, total)
    assert gradient_conflict(gramian=found.total, tasks=found.tasks).tasks == TASKS


def test_nothing_is_left_in_the_model() -> None:
    model = model_of(noisy_trunk()).train()
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    layer_gramians(model, batch_of())
    assert torch.equal(random, torch.get_rng_state()) and model.training
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_tasks_without_labels_have_no_row() -> None:
    model = model_of(nn.Linear(4, 3))
    inputs, labels = batch_of()
    labels["b"] = torch.full((8,), torch.nan)
    assert layer_gramians(model, (inputs, labels)).tasks == ("a", "c")
    with pytest.raises(DataError, match="no label"):
        layer_gramians(model, (inputs, {"b": labels["b"]}))


def test_nothing_shared_is_refused() -> None:
    alone = MultiTaskModel(Separate(nn.Linear(4, 3)), regressions(), example=torch.zeros(2, 4))
    with pytest.raises(ConfigError, match="share no parameter"):
        layer_gramians(alone, batch_of())
