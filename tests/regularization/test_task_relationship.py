"""Learned relations of the tasks."""

import math
from typing import Any

import mpmath
import pytest
import torch

from plait.core.errors import ConfigError
from plait.regularization import TaskRelationship, TraceNorm
from tests.regularization.nets import (
    gradient,
    model_of,
    networks,
    on_rows,
    rows_of,
    tied,
    train,
    values,
)


def estimated(rows: torch.Tensor, **options: Any) -> TaskRelationship:
    regularizer = on_rows(TaskRelationship(**{"strength": 1.0, "eps": 0.0, **options}), rows)
    regularizer.estimate()
    return regularizer


def test_two_orthogonal_tasks_by_hand() -> None:
    """Omega has their lengths, 3 and 1, on the diagonal: R = 9 / (3/4) + 1 / (1/4) = 16."""
    regularizer = estimated(torch.tensor([[3.0, 0.0], [0.0, 1.0]], dtype=torch.float64))
    expected = torch.diag(torch.tensor([0.75, 0.25], dtype=torch.float64))
    torch.testing.assert_close(regularizer.relation(), expected)
    assert regularizer.cost().item() == pytest.approx(16.0)
    torch.testing.assert_close(gradient(regularizer), torch.diag(torch.tensor([8.0, 8.0]).double()))
    regularizer.prox(0.375)  # 1 / (1 + 0.75 x 4/3) = 1/2 and 1 / (1 + 0.75 x 4) = 1/4
    expected = torch.tensor([[1.5, 0.0], [0.0, 0.25]], dtype=torch.float64)
    torch.testing.assert_close(rows_of(regularizer), expected)


def test_before_any_estimate_it_is_weight_decay() -> None:
    rows = torch.randn(3, 5, dtype=torch.float64)
    regularizer = on_rows(TaskRelationship(strength=1.0), rows)
    torch.testing.assert_close(regularizer.relation(), torch.eye(3, dtype=torch.float64) / 3)
    torch.testing.assert_close(regularizer.cost(), 3 * rows.square().sum())


@pytest.mark.parametrize(("tasks", "size"), [(1, 4), (3, 7), (5, 2)])
@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_omega_is_the_scaled_root(tasks: int, size: int, eps: float) -> None:
    rows = torch.randn(tasks, size, dtype=torch.float64)
    omega = estimated(rows, eps=eps).relation()
    torch.testing.assert_close(omega, omega.T)
    assert torch.linalg.eigvalsh(omega).min() > -1e-12
    assert omega.trace().item() == pytest.approx(1.0)
    square = rows @ rows.T + eps * torch.eye(tasks)
    torch.testing.assert_close(omega @ omega, square * (omega @ omega).trace() / square.trace())


def exact_omega(rows: torch.Tensor, eps: float) -> torch.Tensor:
    """The formula in 60 digits."""
    with mpmath.workdps(60):
        w = mpmath.matrix(rows.double().tolist())
        values, vectors = mpmath.eigsy(w * w.T + mpmath.mpf(eps) * mpmath.eye(len(rows)))
        roots = [mpmath.sqrt(max(value, 0)) for value in values]
        root = vectors * mpmath.diag(roots) * vectors.T / sum(roots)
        return torch.tensor([[float(x) for x in row] for row in root.tolist()], dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("tasks", [2, 3, 5, 8, 12])
@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("eps", [0.0, 1e-3])
def test_omega_has_eight_digits(dtype: torch.dtype, tasks: int, spread: float, eps: float) -> None:
    draw = torch.Generator().manual_seed(tasks)
    rows = torch.randn(tasks, 20, dtype=torch.float64, generator=draw)
    rows = rows * 10.0 ** torch.linspace(0, -spread, tasks, dtype=torch.float64)[:, None]
    rows[-1] = rows[0] + 1e-3 * rows[-1]
    rows = rows.to(dtype)
    omega = estimated(rows, eps=eps).relation()
    expected = exact_omega(rows, eps)
    assert omega.dtype == torch.float64
    root = expected.diagonal().sqrt()
    assert ((omega - expected).abs() / torch.outer(root, root)).max() <= 1e-8


def test_at_its_omega_it_is_the_trace_norm_squared() -> None:
    for shape in ((3, 7), (5, 2)):
        rows = torch.randn(shape, dtype=torch.float64)
        norm = on_rows(TraceNorm(strength=1.0), rows).cost()
        torch.testing.assert_close(estimated(rows).cost(), norm.square())


def test_omega_is_the_best_one() -> None:
    rows = torch.randn(3, 7, dtype=torch.float64)
    regularizer = estimated(rows)
    least = regularizer.cost().item()
    omega = regularizer.relation()
    for _ in range(20):
        root = torch.randn(3, 3, dtype=torch.float64)
        other = omega + 0.1 * root @ root.T
        regularizer.set_relation(other / other.trace())
        assert regularizer.cost().item() >= least - 1e-12


def test_omega_follows_the_tasks_and_not_the_inputs() -> None:
    rows = torch.randn(4, 6, dtype=torch.float64)
    omega = estimated(rows).relation()
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(estimated(rows[order]).relation(), omega[order][:, order])
    turn, _ = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))
    torch.testing.assert_close(estimated(rows @ turn).relation(), omega)


def test_equal_tasks_are_fully_correlated_and_opposite_ones_the_reverse() -> None:
    row = torch.randn(1, 6, dtype=torch.float64)
    found = estimated(torch.cat([row, row, -2 * row])).correlation()
    expected = torch.tensor([[1.0, 1, -1], [1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
    torch.testing.assert_close(found, expected)


def test_no_weights_at_all_have_no_relation() -> None:
    regularizer = estimated(torch.zeros(2, 3, dtype=torch.float64))
    torch.testing.assert_close(regularizer.relation(), torch.eye(2, dtype=torch.float64) / 2)
    assert regularizer.cost().item() == 0.0


def test_each_layer_may_have_its_own() -> None:
    nets = networks("abc")
    regularizer = tied(TaskRelationship(strength=1.0, per_layer=True, eps=0.0), nets)
    regularizer.estimate()
    names = ("stem.weight", "stem.bias", "top.weight")
    norms = [torch.linalg.svdvals(values(nets, name)).sum() for name in names]
    torch.testing.assert_close(regularizer.cost(), torch.stack(norms).square().sum())
    each = [estimated(values(nets, name)) for name in names]
    torch.testing.assert_close(regularizer.relation(), torch.stack([r.relation() for r in each]))
    mean = torch.stack([r.correlation() for r in each]).mean(dim=0)
    torch.testing.assert_close(regularizer.correlation(), mean)


def test_omega_is_held_between_estimates() -> None:
    regularizer = TaskRelationship(strength=1e-3, every=3)
    model = model_of("ab", [regularizer])
    before = regularizer.relation()
    train(model, 2)
    assert torch.equal(regularizer.relation(), before)
    train(model, 1)
    assert not torch.equal(regularizer.relation(), before)


def test_the_correlations_are_watched() -> None:
    regularizer = estimated(torch.tensor([[1.0, 0.0], [1.0, 1.0]], dtype=torch.float64))
    (table,) = regularizer.watched().values()
    assert table.columns == ("t0", "t1")
    # the root of [[1, 1], [1, 2]] is [[2, 1], [1, 3]] / sqrt(5)
    assert table.plain()["t0"] == pytest.approx({"t0": 1.0, "t1": 1 / math.sqrt(6)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eps": -1.0}, "`eps` must be at least 0; found -1.0"),
        ({"every": 0}, "`every` must be at least 1 step; found 0"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TaskRelationship(strength=1.0, **options)


@pytest.mark.parametrize(
    "relation",
    [[[1.0]], [[1.0, 0.5], [0.2, 1.0]], [[1.0, 2.0], [2.0, 1.0]], [[-1.0, 0], [0, -1.0]]],
)
def test_what_is_no_covariance_is_refused(relation: list[list[float]]) -> None:
    regularizer = on_rows(TaskRelationship(strength=1.0), torch.randn(2, 3))
    with pytest.raises(ConfigError, match=r"positive semi-definite \[2, 2\]; found"):
        regularizer.set_relation(torch.tensor(relation))
