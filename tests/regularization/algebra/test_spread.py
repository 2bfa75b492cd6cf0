from itertools import combinations

import pytest
import torch
from torch import nn

from plait.regularization.algebra.joined import joined
from plait.regularization.algebra.spread import pull_together, spread


def test_t_times_the_spread_is_the_sum_over_pairs() -> None:
    rows = torch.randn(5, 7, dtype=torch.float64)
    pairs = sum((s - t).square().sum() for s, t in combinations(rows, 2))
    torch.testing.assert_close(5 * spread(rows), pairs)


def test_each_layer_is_pulled_by_its_own_strength() -> None:
    groups = [[nn.Parameter(torch.tensor([value])) for value in (0.0, 4.0)] for _ in range(3)]
    pull_together(groups, [0.0, 0.5, 1e12])
    found = joined(groups).tolist()
    assert found[0] == pytest.approx([0.0, 1.0, 2.0])
    assert found[1] == pytest.approx([4.0, 3.0, 2.0])


def test_equal_vectors_stay_to_the_last_bit() -> None:
    value = torch.randn(9)
    groups = [[nn.Parameter(value.clone()) for _ in range(7)]]
    pull_together(groups, [0.37])
    assert all(torch.equal(parameter, value) for parameter in groups[0])
