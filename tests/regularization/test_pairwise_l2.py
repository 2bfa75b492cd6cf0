"""Squared distances between all pairs of networks."""

import copy
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import nn

from plait.core.errors import UnsupportedError
from plait.model import MultiTaskModel
from plait.regularization import PairwiseL2
from plait.sharing import Hard
from plait.tasks import Regression
from tests.regularization.nets import model_of, networks, train, values

NAMES = ("stem.weight", "stem.bias", "top.weight")


def tied(nets: dict[str, nn.Module], **options: Any) -> PairwiseL2:
    regularizer = PairwiseL2(**{"strength": 1.0, **options})
    regularizer.setup(nets)
    return regularizer


def test_the_cost_by_hand() -> None:
    nets = {task: nn.Linear(1, 1, bias=False) for task in "abc"}
    for net, value in zip(nets.values(), (1.0, 2.0, 4.0), strict=True):
        nn.init.constant_(net.weight, value)
    assert tied(nets).cost().item() == pytest.approx(1 + 9 + 4)


@pytest.mark.parametrize("tasks", ["a", "ab", "abcde"])
def test_the_cost_is_the_sum_over_pairs(tasks: str) -> None:
    nets = networks(tasks)
    rows = values(nets, *NAMES)
    pairs = [(s - t).square().sum() for s, t in combinations(rows, 2)]
    expected = torch.stack(pairs).sum() if pairs else torch.zeros((), dtype=rows.dtype)
    torch.testing.assert_close(tied(nets).cost(), expected)


def test_the_gradient_is_that_of_the_pairs() -> None:
    nets = networks("abc")
    regularizer = tied(nets)
    regularizer.cost().backward()
    rows = values(nets, "stem.weight")
    for task, row in zip(nets, rows, strict=True):
        found = nets[task].stem.weight.grad
        torch.testing.assert_close(found.flatten(), 2 * (row - rows).sum(dim=0))
        assert nets[task].norm.weight.grad is None


def test_equal_networks_cost_nothing() -> None:
    net = networks("a")["a"]
    nets = {task: copy.deepcopy(net) for task in "abc"}
    regularizer = tied(nets)
    assert regularizer.cost().item() < 1e-25
    before = values(nets, *NAMES)
    regularizer.prox(3.0)
    torch.testing.assert_close(values(nets, *NAMES), before, rtol=1e-14, atol=0)


@pytest.mark.parametrize("step", [1e-3, 0.7, 50.0])
@pytest.mark.parametrize("tasks", ["a", "ab", "abcd"])
def test_the_proximal_step_minimises_what_it_should(tasks: str, step: float) -> None:
    """At prox(v) the gradient of |x - v|^2 / 2 + step R(x) is zero."""
    nets = networks(tasks)
    before = values(nets, *NAMES)
    regularizer = tied(nets)
    regularizer.prox(step)
    after = values(nets, *NAMES)
    slope = 2 * (len(tasks) * after - after.sum(dim=0))
    torch.testing.assert_close(after - before + step * slope, torch.zeros_like(after))
    torch.testing.assert_close(after.mean(dim=0), before.mean(dim=0))


def test_the_proximal_step_leaves_what_is_not_tied() -> None:
    nets = networks("ab")
    before = values(nets, "norm.weight", "norm.bias", "top.weight", "stem.bias")
    tied(nets, scope="stem.*", include_bias=False).prox(5.0)
    assert torch.equal(values(nets, "norm.weight", "norm.bias", "top.weight", "stem.bias"), before)


# --- in a model -------------------------------------------------------------------------------


def test_a_very_strong_proximal_step_makes_the_networks_equal() -> None:
    model = train(model_of("abc", [PairwiseL2(strength=1e12, mode="prox")]))
    a, b, c = (dict(net.named_parameters()) for net in model.sharing.networks().values())
    for name in ("0.weight", "0.bias"):
        torch.testing.assert_close(a[name], b[name], rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(a[name], c[name], rtol=1e-6, atol=1e-9)
    assert not torch.equal(a["1.weight"], b["1.weight"])  # batch normalisation is each task's own
    assert a["0.weight"].isfinite().all()


def test_the_penalty_is_named_and_scaled() -> None:
    model = model_of("abc", [PairwiseL2(strength=0.25), PairwiseL2(strength=2.0, mode="prox")])
    train(model, 1)
    penalty = model.penalty([])
    assert list(penalty) == ["PairwiseL2[0]"]
    term, scaled = penalty.raw["PairwiseL2[0]"], penalty["PairwiseL2[0]"]
    assert scaled.item() == pytest.approx(0.25 * term.item())
    assert scaled.requires_grad


def test_a_copied_model_ties_its_own_networks() -> None:
    model = train(model_of("abc", [PairwiseL2(strength=0.1)]), 1)
    twin = copy.deepcopy(model)
    before = model.penalty([])["PairwiseL2[0]"].item()
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(2.0)
    assert twin.penalty([])["PairwiseL2[0]"].item() == pytest.approx(4 * before)
    assert model.penalty([])["PairwiseL2[0]"].item() == before


def test_networks_that_are_shared_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="Hard shares parameters already"):
        MultiTaskModel(
            Hard(nn.Linear(3, 4)),
            [Regression("a"), Regression("b")],
            example=torch.zeros(2, 3),
            regularization=[PairwiseL2(strength=1.0)],
        )
