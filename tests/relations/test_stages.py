"""Features stage by stage: shared ones are equal, and the model is left as it was."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from plait.core.errors import DataError
from plait.model import MultiTaskModel
from plait.relations import linear_cka, rsa, stage_features, stage_similarity
from plait.sharing import Hard, Separate
from plait.tasks import Regression, Segmentation
from tests.relations.models import TASKS, batch_of, model_of, noisy_trunk, regressions


def test_each_stage_is_that_of_the_network() -> None:
    trunk = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    model = model_of(trunk)
    inputs, _ = batch_of()
    found = stage_features(model, inputs)
    assert list(found) == list(TASKS)
    hidden = inputs
    for number, stage in enumerate(trunk):
        hidden = stage(hidden)
        assert all(torch.equal(found[task][number], hidden.detach()) for task in TASKS)


def test_maps_are_averaged() -> None:
    trunk = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3))
    tasks = [Regression("a"), Segmentation("m", classes=2)]
    model = MultiTaskModel(Hard(trunk), tasks, example=torch.zeros(2, 3, 8, 8))
    images = torch.randn(5, 3, 8, 8)
    found = stage_features(model, images)["m"]
    assert [list(each.shape) for each in found] == [[5, 4], [5, 2]]
    torch.testing.assert_close(found[1], trunk(images).mean(dim=(2, 3)).detach())


def test_nothing_is_left_in_the_model() -> None:
    model = model_of(noisy_trunk()).train()
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    stage_features(model, batch_of()[0])
    assert model.training and torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())


@pytest.mark.parametrize("by", [linear_cka, rsa])
def test_networks_of_their_own_are_compared_stage_by_stage(by: object) -> None:
    trunk = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3))
    model = MultiTaskModel(Separate(trunk), regressions(), example=torch.zeros(2, 4))
    features = stage_features(model, torch.randn(20, 4))
    found = stage_similarity(features, by=by)
    assert len(found) == 2
    for stage, matrix in enumerate(found):
        assert np.allclose(matrix, matrix.T) and np.allclose(matrix.diagonal(), 1.0)
        assert matrix[0, 2] == by(features["a"][stage], features["c"][stage])


def test_different_depths_are_refused() -> None:
    with pytest.raises(DataError, match="stages"):
        stage_similarity({"a": [torch.ones(3, 2)], "b": []})
