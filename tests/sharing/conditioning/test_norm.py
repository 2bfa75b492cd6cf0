"""Normalisation layers of the tasks' own."""

import torch
from torch import nn

from plait.sharing.conditioning import Norm
from tests.sharing.conditioning.trunks import Conditioned


def test_each_task_has_a_copy_with_statistics_of_its_own() -> None:
    base = nn.BatchNorm1d(3)
    made, x = Conditioned(Norm(), base), torch.randn(8, 3) + 5
    torch.testing.assert_close(made("a", x), base(x))
    means = [made.own(position).get_buffer("running_mean") for position in (0, 1)]
    torch.testing.assert_close(means[0], 0.1 * x.mean(dim=0))  # torch's momentum
    assert not means[1].any()


def test_takes_norms_that_have_something_to_copy() -> None:
    layers = {
        "batch": nn.BatchNorm1d(3),
        "bare": nn.LayerNorm(3, elementwise_affine=False),
        "linear": nn.Linear(3, 3),
    }
    assert list(Norm().choose(layers)) == ["batch"]
