"""Angles between the tasks' parameters."""

import math
from itertools import combinations

import pytest
import torch
from torch.nn.functional import cosine_similarity

from plait.regularization import Cosine
from tests.regularization.nets import gradient, networks, on_rows, tied, values

NAMES = ("stem.weight", "stem.bias", "top.weight")


def test_two_tasks_by_hand() -> None:
    regularizer = on_rows(Cosine(strength=1.0), torch.tensor([[2.0, 0.0], [3.0, 3.0]]).double())
    assert regularizer.cost().item() == pytest.approx(1 - math.sqrt(0.5))


@pytest.mark.parametrize("per_layer", [True, False])
def test_it_is_the_sum_over_pairs(per_layer: bool) -> None:
    nets = networks("abcd")
    blocks = [(name,) for name in NAMES] if per_layer else [NAMES]
    expected = sum(
        1 - cosine_similarity(s, t, dim=0)
        for block in blocks
        for s, t in combinations(values(nets, *block), 2)
    )
    found = tied(Cosine(strength=1.0, per_layer=per_layer), nets).cost()
    torch.testing.assert_close(found.detach(), expected)


def test_it_does_not_change_with_the_length_nor_pull_at_it() -> None:
    rows = torch.randn(3, 5, dtype=torch.float64)
    regularizer = on_rows(Cosine(strength=1.0), rows)
    scaled = on_rows(Cosine(strength=1.0), rows * torch.tensor([[1e-3], [1.0], [1e4]]))
    torch.testing.assert_close(regularizer.cost(), scaled.cost())
    along = (gradient(regularizer) * rows).sum(dim=1)
    torch.testing.assert_close(along, torch.zeros(3, dtype=torch.float64))


def test_equal_directions_cost_nothing() -> None:
    row = torch.randn(1, 5, dtype=torch.float64)
    found = on_rows(Cosine(strength=1.0), torch.cat([row, 2 * row, 5 * row])).cost()
    assert 0 <= found.item() < 1e-28


def test_a_vector_without_length_counts_as_orthogonal_and_is_left_alone() -> None:
    rows = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    regularizer = on_rows(Cosine(strength=1.0), rows)
    assert regularizer.cost().item() == pytest.approx(2.0)
    assert not gradient(regularizer)[0].any()
