"""The same losses once more: same masks, statistics and random state untouched; FAMO with them."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plait.balancing import FAMO
from plait.data import collate
from plait.training import Trainer
from plait.training.reread import Reread, keep_buffers
from tests.training.problem import data, differences, model

CPU = torch.device("cpu")


def noisy() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 1))


class Losses:
    """Draws from every generator of the host, beside dropout."""

    def __init__(self, net: nn.Module) -> None:
        self.net, self.x = net, torch.randn(8, 4)

    def __call__(self) -> dict[str, Tensor]:
        noise = random.random() + np.random.rand() + float(torch.rand(()))
        return {"a": (self.net(self.x) + noise).square().mean()}


def draws() -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


@pytest.mark.parametrize("training", [True, False])
def test_the_same_parameters_give_the_same_losses_to_the_last_bit(training: bool) -> None:
    net = noisy().train(training)
    losses = Losses(net)
    reread = Reread(net, CPU)
    first = losses()["a"]
    again = reread(losses)["a"]
    assert torch.equal(first, again)
    assert first.requires_grad and not again.requires_grad
    assert not torch.equal(losses()["a"], first), "the draws matter"
    assert net.training == training


def test_later_parameters_see_the_same_masks() -> None:
    net = noisy()
    losses = Losses(net)
    reread = Reread(net, CPU)
    state = torch.get_rng_state(), random.getstate(), np.random.get_state()
    losses()
    with torch.no_grad():
        net[3].weight.mul_(2.0)
    found = reread(losses)["a"]
    torch.set_rng_state(state[0])
    random.setstate(state[1])
    np.random.set_state(state[2])
    assert torch.equal(found, losses()["a"].detach())


@pytest.mark.parametrize("fails", [False, True])
def test_statistics_and_random_state_are_as_after_the_first_reading(fails: bool) -> None:
    results = []
    for again in (False, True):
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        net = noisy()
        losses = Losses(net)
        reread = Reread(net, CPU)
        losses()

        def broken(losses: Losses = losses) -> dict[str, Tensor]:
            losses()
            raise ArithmeticError

        if again and fails:
            with pytest.raises(ArithmeticError):
                reread(broken)
        elif again:
            reread(losses)
        results.append((net.state_dict(), draws()))
    assert not list(differences(*results))
    assert results[0][0]["1.num_batches_tracked"] == 1


def test_buffers_get_the_values_of_the_moment() -> None:
    net = noisy()
    place = net[1].running_mean.data_ptr()
    give_back = keep_buffers(net)
    before = net[1].running_mean.clone()
    net(torch.full((4, 4), float("nan")))
    assert net[1].running_mean.isnan().all()
    give_back()
    assert torch.equal(net[1].running_mean, before)
    assert net[1].running_mean.data_ptr() == place


# --- FAMO -------------------------------------------------------------------------------------


def batches_of(sizes: Sequence[int]) -> list[Any]:
    source = data(sum(sizes), missing=False)
    found, start = [], 0
    for size in sizes:
        found.append(collate([source[i] for i in range(start, start + size)]))
        start += size
    return found


@pytest.mark.parametrize(("sizes", "accumulate"), [((6, 6, 6), 1), ((2, 4, 3, 3, 5, 1), 2)])
def test_famo_in_the_trainer_is_the_loop_of_its_paper(
    sizes: tuple[int, ...], accumulate: int
) -> None:
    """Algorithm 2 by hand, with torch's Adam; weights of sum T. Batches of 6, in micro-batches."""
    made, hand = model(statistics=False), model(statistics=False)
    balancer = FAMO(lr=0.1, weight_decay=0.01)
    trainer = Trainer(
        made,
        balancer,
        optimizer=torch.optim.SGD,
        lr=0.05,
        epochs=3,
        device="cpu",
        accumulate=accumulate,
    )
    trainer.fit(batches_of(sizes))

    logits = torch.zeros(3, requires_grad=True)
    learner = torch.optim.Adam([logits], lr=0.1, weight_decay=0.01)
    optimizer = torch.optim.SGD(hand.parameters(), lr=0.05)
    for _ in range(3):
        for inputs, targets in batches_of((6, 6, 6)):

            def losses(inputs: Any = inputs, targets: Any = targets) -> Tensor:
                out = hand(inputs)
                return torch.stack([t.loss(out[n], targets[n]) for n, t in hand.tasks.items()])

            optimizer.zero_grad()
            first = losses()
            z = logits.softmax(dim=0).detach()
            c = (z / first.detach()).sum()
            (3 * (z * first.log()).sum() / c).backward()
            optimizer.step()
            fallen = first.detach().log() - losses().detach().log()
            (logits.grad,) = torch.autograd.grad(logits.softmax(dim=0), logits, fallen)
            learner.step()
    torch.testing.assert_close(made.state_dict(), hand.state_dict(), rtol=1e-4, atol=1e-6)
    found = balancer.logits.get(tuple(made.tasks), torch.zeros(()))
    torch.testing.assert_close(found, logits.detach(), rtol=1e-3, atol=1e-5)
    assert found.abs().max() > 0.1


def test_reading_again_trains_the_same_network_as_not_reading() -> None:
    """With dropout and batch normalisation: only the weights of the next step may change."""

    class Deaf(FAMO):
        """Has the losses read again, and does not listen."""

        def after_step(self, reread: Any = None) -> None:
            self._due = None
            if self.rereads:
                assert reread is not None
                reread()

    results = []
    for rereads in (True, False):
        made, balancer = model(), Deaf()
        balancer.rereads = rereads
        trainer = Trainer(made, balancer, lr=0.01, epochs=2, device="cpu", accumulate=2)
        trainer.fit(batches_of((4, 4, 4, 6)))
        results.append((made.state_dict(), draws()))
    assert not list(differences(*results))
