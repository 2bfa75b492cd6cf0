"""From a batch to its losses: factors of a schedule, absent tasks, micro-batches, cuts."""

from contextlib import nullcontext

import torch

from plait.core.batch import Batch
from plait.data import collate
from plait.distributed import ALONE
from plait.gradients import Cut
from plait.model import MultiTaskModel
from plait.training.losses import BatchLosses
from plait.training.shared_counts import labels_of
from tests.training.problem import data, model


def batch(made: MultiTaskModel, start: int = 0, stop: int = 12) -> Batch:
    source = data(18)
    return made.batch(*collate([source[index] for index in range(start, stop)]))


def test_without_a_factor_a_loss_is_that_of_the_model() -> None:
    made = model(statistics=False)
    given = batch(made)
    reading = BatchLosses(made, nullcontext(), {})
    assert reading.select(given) is given
    outputs, losses = reading(given)
    expected = made.losses([made(given.parts[0].inputs)], given)
    assert losses.keys() == expected.keys()
    assert all(torch.equal(losses[task], expected[task]) for task in expected)
    assert losses.counts == given.counts
    assert [list(out) for out in outputs] == [["kind", "amount", "rare"]]


def test_factors_multiply_the_losses_and_not_what_is_reported() -> None:
    made = model(statistics=False)
    given = batch(made)
    reading = BatchLosses(made, nullcontext(), {"kind": 0.25, "amount": 1.0})
    assert reading.select(given) is given
    _, losses = reading(given)
    for task, factor in {"kind": 0.25, "amount": 1.0, "rare": 1.0}.items():
        torch.testing.assert_close(losses[task], factor * losses.raw[task])


def test_a_task_of_factor_zero_is_not_in_the_batch() -> None:
    made = model(statistics=False)
    calls = []
    for name, head in made.heads.items():
        head.register_forward_hook(lambda *_, name=name: calls.append(name))
    reading = BatchLosses(made, nullcontext(), {"kind": 0.0})
    given = reading.select(batch(made))
    assert given.counts.keys() == {"amount", "rare"}
    outputs, losses = reading(given)
    assert losses.keys() == losses.raw.keys() == losses.counts.keys() == {"amount", "rare"}
    assert [list(out) for out in outputs] == [["amount", "rare"]]
    assert len(calls) == 2 and not any("kind" in name for name in calls)


def test_joined_micro_batches_are_the_joined_batch() -> None:
    """With the factors, and with labels spread unequally."""
    made = model(statistics=False)
    reading = BatchLosses(made, nullcontext(), {"amount": 0.5})
    _, whole = reading(batch(made, 0, 12))
    parts = [batch(made, 0, 3), batch(made, 3, 4), batch(made, 4, 12)]
    joined = reading.joined(parts, labels_of(parts), ALONE)
    assert joined.keys() == whole.keys() == {"kind", "amount", "rare"}
    for task, loss in whole.items():
        torch.testing.assert_close(joined[task], loss)


def test_a_cut_keeps_the_trunk_out_of_the_losses() -> None:
    made = model(statistics=False)
    cut = Cut()
    reading = BatchLosses(made, nullcontext(), {})
    outputs, losses = reading(batch(made), cut)
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is None for p in made.sharing.parameters())
    assert all(p.grad is not None for p in made.heads.parameters())
    assert len(cut.pairs) == len(outputs[0].features["kind"].levels)
    assert cut.pairs[-1][1].grad is not None
    assert outputs[0].features["kind"].levels[-1].requires_grad, "penalties read the whole graph"


def test_a_penalty_of_no_output_is_none() -> None:
    made = model(statistics=False)
    assert BatchLosses(made, nullcontext(), {}).penalty([]) == {}
