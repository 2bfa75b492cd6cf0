"""A strength for each layer."""

import math
from typing import Any

import pytest
import torch

from plait.core.errors import ConfigError
from plait.regularization import LearnedStrength, MeanRegularized
from plait.training import parameter_groups
from tests.regularization.nets import model_of, networks, on_rows, rows_of, tied, train


def test_two_tasks_by_hand() -> None:
    """D = 2 and n = 1: lambda = 1/4, R = 1/2 + log(4) / 2."""
    rows = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    regularizer = on_rows(LearnedStrength(strength=1.0, eps=1e-12), rows)
    assert regularizer.strengths().tolist() == pytest.approx([0.25])
    assert regularizer.cost().item() == pytest.approx(0.5 + math.log(4) / 2)
    regularizer.prox(2.0)  # 1 / (1 + 2 x 2 / 4) = 1/2
    assert rows_of(regularizer).flatten().tolist() == pytest.approx([1.5, 2.5])


def test_the_closed_form_is_the_best_strength() -> None:
    regularizer = on_rows(LearnedStrength(strength=1.0, eps=1e-12), torch.randn(3, 4).double())
    best = float(regularizer.strengths())
    spread = on_rows(MeanRegularized(strength=1.0), rows_of(regularizer)).cost().item()
    least = regularizer.cost().item()
    for other in (0.5 * best, 0.9 * best, 1.1 * best, 2 * best):
        assert other * spread - 4 * math.log(other) > least


def test_equal_networks_have_a_bounded_strength() -> None:
    regularizer = on_rows(LearnedStrength(strength=1.0, eps=0.5), torch.ones(3, 4).double())
    assert regularizer.strengths().tolist() == pytest.approx([8 / 0.5])
    assert math.isfinite(regularizer.cost().item())


def test_one_task_has_no_strength() -> None:
    regularizer = on_rows(LearnedStrength(strength=1.0), torch.ones(1, 4).double())
    assert regularizer.cost().item() == 0.0


def test_a_learned_strength_finds_the_closed_form_and_does_not_vanish() -> None:
    nets = networks("abc")
    learned = tied(LearnedStrength(strength=1.0, rate="learned"), nets)
    closed = tied(LearnedStrength(strength=1.0, eps=1e-12), nets)
    optimizer = torch.optim.SGD(learned.parameters(), lr=0.3)
    for _ in range(300):
        optimizer.zero_grad()
        learned.cost().backward()
        optimizer.step()
    torch.testing.assert_close(learned.strengths(), closed.strengths(), rtol=1e-6, atol=0)
    assert [name for name, _ in learned.named_parameters()] == ["log_strengths"]


def test_a_learned_strength_has_no_weight_decay() -> None:
    regularizer = LearnedStrength(strength=1e-3, rate="learned")
    model = model_of("ab", [regularizer])
    groups = parameter_groups(model, lr=0.1, weight_decay=0.5)
    (found,) = [g for g in groups if any(p is regularizer.log_strengths for p in g["params"])]
    assert found["weight_decay"] == 0.0
    before = regularizer.strengths()
    train(model, 3)
    assert (regularizer.strengths() != before).all()


def test_the_strengths_are_watched_by_layer() -> None:
    regularizer = tied(LearnedStrength(strength=1.0), networks("ab"))
    (table,) = regularizer.watched().values()
    assert list(table.plain()) == ["stem.weight", "stem.bias", "top.weight"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": "fixed"}, "`rate` must be 'closed' or 'learned'; found 'fixed'"),
        ({"eps": 0.0}, r"`eps` must be above 0; found 0\.0"),
        ({"rate": "learned", "mode": "prox"}, "mode='prox' leaves R out of. Use rate='closed'"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LearnedStrength(strength=1.0, **options)
