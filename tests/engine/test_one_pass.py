"""Losses as one vector: where they may be, and what they give."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.balancing import DWA, AutoLambda, Balancer, Equal, GradDrop, Info, MoDo, UPGrad
from plait.core.errors import ConfigError
from plait.core.names import Names
from plait.core.outputs import Losses
from plait.engine import Backward, Options
from plait.engine.one_pass import takes_one_pass

FIRST = Info(epoch=0)


@pytest.mark.parametrize(
    ("method", "options", "asked", "wanted"),
    [
        (Equal, {}, {}, True),
        (Equal, {}, {"several": True}, True),
        (Equal, {}, {"measure": True}, False),
        (Equal, {"head_weights": "unit"}, {}, False),
        (DWA, {}, {}, True),
        (DWA, {}, {"several": True}, False),
        (UPGrad, {}, {}, False),
        (UPGrad, {"head_weights": "task"}, {}, False),
        (GradDrop, {}, {}, False),
        (MoDo, {}, {}, False),
        (AutoLambda, {}, {}, False),
    ],
)
def test_which_steps_need_no_gradient_of_a_task(
    method: type[Balancer], options: Any, asked: Any, wanted: bool
) -> None:
    assert takes_one_pass(method(), Options(**options), **asked) == wanted


class Heads(nn.Module):
    """A trunk, and three heads as the rows of one parameter."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Linear(3, 2, dtype=torch.float64)
        self.heads = nn.Parameter(torch.randn(3, 2, dtype=torch.float64))

    def losses(self) -> Tensor:
        features = self.trunk(torch.ones(4, 3, dtype=torch.float64)).tanh()
        return (features @ self.heads.T - 1).square().mean(0)


def vector(losses: Tensor) -> Losses:
    return Losses.joined(Names("abc"), losses, losses, dict.fromkeys("abc", 4.0))


@pytest.mark.parametrize("method", [Equal, DWA])
@pytest.mark.parametrize("given", [False, True])
def test_a_vector_of_losses_gives_what_they_give_one_by_one(
    method: type[Balancer], given: bool
) -> None:
    found, wanted = Heads(), Heads()
    one = Backward(method(), found if given else None)
    other = Backward(method(), wanted if given else None)
    for _ in range(3):
        record = one(vector(found.losses()), found.trunk.weight.square().sum(), info=FIRST)
        right = other(dict(vector(wanted.losses())), wanted.trunk.weight.square().sum(), info=FIRST)
        assert record.losses == pytest.approx(right.losses, rel=1e-12)
        assert record.weights == pytest.approx(right.weights, rel=1e-12)
    for mine, theirs in zip(found.parameters(), wanted.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-12, atol=1e-12)


def test_micro_batches_count_by_their_shares() -> None:
    found, wanted = Heads(), Heads()
    for net, losses in ((found, vector), (wanted, lambda values: dict(vector(values)))):
        backward = Backward(Equal(), net)
        backward.start()
        for share in (0.25, 0.75):
            backward.add(losses(net.losses()), dict.fromkeys("abc", share))
        backward.finish()
    for mine, theirs in zip(found.parameters(), wanted.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", [UPGrad, GradDrop])
def test_a_method_that_needs_each_task_refuses_a_vector(method: type[Balancer]) -> None:
    net = Heads()
    with pytest.raises(ConfigError, match=r"differentiates each task alone .* one vector"):
        Backward(method(), net)(vector(net.losses()))
    assert net.heads.grad is None
