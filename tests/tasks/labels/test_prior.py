import math

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.tasks.labels.prior import prior_of, start_at


def test_a_layer_starts_with_predicting_how_often_each_class_occurs() -> None:
    layer = nn.Linear(3, 4)
    before = layer.weight.detach().clone()
    start_at(layer, [6, 3, 1, 0])
    shares = layer(torch.zeros(1, 3)).softmax(dim=1)
    torch.testing.assert_close(shares, torch.tensor([[0.6, 0.3, 0.1, 1e-6]]), atol=1e-6, rtol=0)
    assert torch.equal(layer.weight, before)
    assert layer.bias.requires_grad


def test_without_a_prior_nothing_changes() -> None:
    layer = nn.Conv2d(2, 2, 1)
    before = layer.bias.detach().clone()
    start_at(layer, None)
    assert torch.equal(layer.bias, before)
    assert prior_of("mask", None, 2) is None


@pytest.mark.parametrize("given", [[1.0], [1.0, -1.0], [0.0, 0.0], [math.inf, 1.0]])
def test_numbers_that_are_no_counts_are_refused(given: list[float]) -> None:
    with pytest.raises(ConfigError, match="`prior` of task 'mask' must be 2 numbers, how often"):
        prior_of("mask", given, 2)
