"""Squared distances from the mean of the networks."""

import pytest
import torch
from torch import nn

from plait.core.keys import safe_key
from plait.model import MultiTaskModel
from plait.regularization import MeanRegularized, PairwiseL2
from plait.sharing import Separate
from plait.tasks import Regression
from tests.regularization.nets import gradient, model_of, networks, on_rows, rows_of, tied, train


def test_two_tasks_by_hand() -> None:
    """The mean of 1 and 3 is 2; a step of 1/2 halves the distance from it."""
    regularizer = on_rows(MeanRegularized(strength=1.0), torch.tensor([[1.0], [3.0]]))
    assert regularizer.cost().item() == pytest.approx(2.0)
    assert gradient(regularizer).flatten().tolist() == pytest.approx([-2.0, 2.0])
    regularizer.prox(0.5)
    assert rows_of(regularizer).flatten().tolist() == pytest.approx([1.5, 2.5])


@pytest.mark.parametrize("tasks", ["a", "ab", "abcd"])
def test_it_is_one_t_th_of_the_pairs(tasks: str) -> None:
    nets = networks(tasks)
    mean, pairs = (tied(cls(strength=1.0), nets) for cls in (MeanRegularized, PairwiseL2))
    torch.testing.assert_close(pairs.cost(), len(tasks) * mean.cost())


def test_very_strong_it_makes_the_networks_equal() -> None:
    model = train(model_of("abc", [MeanRegularized(strength=1e12, mode="prox")]))
    a, b, c = (dict(net.named_parameters()) for net in model.sharing.networks().values())
    for name in ("0.weight", "0.bias"):
        torch.testing.assert_close(a[name], b[name], rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(a[name], c[name], rtol=1e-6, atol=1e-9)
    assert not torch.equal(a["1.weight"], b["1.weight"])  # batch normalisation is each task's own


def test_very_strong_on_heads_alone_it_is_pooled_regression() -> None:
    """The classical linear setting: an encoder without parameters, and tied heads."""
    torch.manual_seed(1)
    inputs = torch.randn(12, 3, dtype=torch.float64)
    targets = {task: torch.randn(12, dtype=torch.float64) for task in "ab"}
    model = MultiTaskModel(
        Separate(nn.Identity()),
        [Regression(task) for task in "ab"],
        example=inputs,
        regularization=[MeanRegularized(strength=1e12, mode="prox", heads=True)],
    ).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    batch = model.batch(inputs, targets)
    for _ in range(300):
        optimizer.zero_grad()
        outputs = [model(part.inputs) for part in batch.parts]
        torch.stack(list(model.losses(outputs, batch).values())).sum().backward()
        optimizer.step()
        model.after_step(optimizer)
    ones = torch.cat([inputs, torch.ones(12, 1, dtype=torch.float64)], dim=1)
    both = torch.cat([targets["a"], targets["b"]])
    pooled = torch.linalg.lstsq(torch.cat([ones, ones]), both[:, None]).solution.flatten()
    for task in "ab":
        found = torch.cat([p.detach().flatten() for p in model.heads[safe_key(task)].parameters()])
        torch.testing.assert_close(found, pooled, rtol=1e-6, atol=1e-8)
