"""Learned clusters of tasks."""

from typing import Any

import pytest
import torch

from plait.core.errors import ConfigError
from plait.regularization import Clustered
from tests.regularization.nets import on_rows, rows_of

CLUSTERS = torch.tensor(
    [[4.0, 0, 0, 0], [4.0, 0.1, 0, 0], [0, 0, 5.0, 0], [0, 0, 5.0, 0.1]], dtype=torch.float64
)


def estimated(rows: torch.Tensor, **options: Any) -> Clustered:
    regularizer = on_rows(Clustered(strength=1.0, **options), rows)
    regularizer.estimate()
    return regularizer


def test_before_any_estimate_it_is_weight_decay() -> None:
    """M = k / T I: R = beta (1 + beta) / (beta + 2/4) |W|^2."""
    regularizer = on_rows(Clustered(strength=1.0, clusters=2, beta=0.5), CLUSTERS)
    assert regularizer.cost().item() == pytest.approx(0.75 * CLUSTERS.square().sum().item())


def test_clusters_are_found() -> None:
    relation = estimated(CLUSTERS, clusters=2, beta=0.1).relation()
    expected = torch.block_diag(*[torch.full((2, 2), 0.5, dtype=torch.float64)] * 2)
    torch.testing.assert_close(relation, expected, rtol=0, atol=0.03)


@pytest.mark.parametrize(("clusters", "beta"), [(1, 0.5), (2, 0.1), (3, 2.0), (4, 1.0)])
def test_m_is_feasible_and_the_best_one(clusters: int, beta: float) -> None:
    torch.manual_seed(4)
    rows = torch.randn(4, 6, dtype=torch.float64)
    regularizer = estimated(rows, clusters=clusters, beta=beta)
    least, relation = regularizer.cost().item(), regularizer.relation()
    inside = torch.linalg.eigvalsh(relation)
    assert inside.min() > -1e-12
    assert inside.max() < 1 + 1e-12
    assert inside.sum().item() == pytest.approx(clusters)
    for _ in range(20):
        turn, _ = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))
        chosen = (turn * (torch.arange(4) < clusters)) @ turn.T  # another feasible point
        regularizer.set_relation(0.9 * relation + 0.1 * chosen)
        assert regularizer.cost().item() >= least - 1e-9


def test_with_a_cluster_for_each_task_it_is_weight_decay() -> None:
    regularizer = estimated(CLUSTERS, clusters=4, beta=0.3)
    assert regularizer.cost().item() == pytest.approx(0.3 * CLUSTERS.square().sum().item())


def test_the_proximal_step_pulls_a_cluster_together() -> None:
    regularizer = estimated(CLUSTERS, clusters=2, beta=0.1)
    regularizer.prox(20.0)
    one, two, three, four = rows_of(regularizer)
    assert (one - two).norm() < 0.05 * 0.1
    assert (three - four).norm() < 0.05 * 0.1
    assert (one - three).norm() > 1.0


def test_fewer_weights_than_clusters_still_have_a_relation() -> None:
    """One direction for two clusters: what is left of the trace goes where nothing is."""
    regularizer = estimated(torch.tensor([[1.0], [1.0], [2.0]], dtype=torch.float64), clusters=2)
    assert regularizer.relation().trace().item() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clusters": 0}, "`clusters` must be at least 1; found 0"),
        ({"beta": 0.0}, r"`beta` must be above 0; found 0\.0"),
        ({"clusters": 5}, "`clusters` must be at most the number of tasks, 4; found 5"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        on_rows(Clustered(strength=1.0, **options), CLUSTERS)
