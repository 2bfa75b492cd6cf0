"""Partial labels, for every balancer: a task learns from its labelled rows as from these alone.

A task without a label in a step is absent: what its balancer, its optimizer and its head hold stays
as it is, to the last bit, and it comes back into play afterwards. How each kind of task counts and
weighs its labels is in `tests/tasks`; the rows of absent tasks, by hand, in `tests/balancing`.
"""

import copy
from collections.abc import Callable, Mapping
from functools import partial as bound
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from plait import MultiTaskModel, Trainer
from plait.core.batch import Batch
from plait.core.keys import safe_key
from plait.regularization import TraceNorm
from plait.regularization.base import Regularizer
from plait.sharing import Separate
from plait.training import Callback, StepRecord
from tests.training.partial_labels import (
    TASKS,
    WAYS,
    Steps,
    alone,
    assert_close,
    complete,
    masked,
    model,
    partial,
    tasks,
)
from tests.training.problem import EVERY_BALANCER, balancer, differences

every_balancer = pytest.mark.parametrize("name", EVERY_BALANCER)
BILEVEL = [name for name in EVERY_BALANCER if balancer(name).reads == "problem"]
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD with momentum": bound(torch.optim.SGD, momentum=0.9),
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
}

# --- its labelled rows alone --------------------------------------------------------------------


def loss_and_gradients(made: MultiTaskModel, batch: Batch, task: str) -> tuple[Tensor, list[Any]]:
    outputs = [made(part.inputs, tasks=part.tasks) for part in batch.parts]
    loss = made.losses(outputs, batch)[task]
    return loss, list(torch.autograd.grad(loss, list(made.parameters()), allow_unused=True))


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), missing=st.sampled_from([0.0, 0.2, 0.8, 1.0]))
def test_loss_and_gradients_are_those_of_the_labelled_rows(
    way: str, seed: int, missing: float
) -> None:
    """Of each task, at the trunk and at its head; with weights of classes and of examples."""
    made, drawn = model(), partial(seed, way, missing)
    whole, rows = masked(made, *drawn), alone(made, *drawn)
    assert whole.counts == pytest.approx(rows.counts, rel=1e-12)
    for task in TASKS:
        one, found = loss_and_gradients(made, whole, task)
        two, expected = loss_and_gradients(made, rows, task)
        torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-10)
        assert [each is None for each in found] == [each is None for each in expected]
        reached = [(a, b) for a, b in zip(found, expected, strict=True) if a is not None]
        assert len(reached) == 4 + 2  # two layers of the trunk, and the task's own head
        for a, b in reached:
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("way", ["value", "value and weight"])
@every_balancer
def test_a_step_is_that_of_the_labelled_rows(name: str, way: str) -> None:
    """Losses, weights and cosines of the tasks, and all that is learned in three steps."""
    whole, rows = Steps(name), Steps(name)
    for seed in range(3):
        drawn = [partial(seed + 10 * batch, way) for batch in range(whole.taken)]
        one = whole(*(masked(whole.model, *each) for each in drawn), measure=True)
        two = rows(*(alone(rows.model, *each) for each in drawn), measure=True)
        assert_same_record(one, two)
    assert_close(whole.model, rows.model)
    assert_close(whole.balancer, rows.balancer)


@pytest.mark.parametrize("route", ["rows", "layers"])
def test_each_route_to_the_gramian_reads_the_labelled_rows(route: str) -> None:
    whole, rows = (
        Steps("UPGrad", engine={"route": route}),
        Steps("UPGrad", engine={"route": "rows"}),
    )
    for seed in range(2):
        drawn = partial(seed, missing=0.8)
        one = whole(masked(whole.model, *drawn))
        two = rows(alone(rows.model, *drawn))
        assert_same_record(one, two)
    assert_close(whole.model, rows.model)


def test_at_the_features_a_missing_label_is_that_of_a_row_that_is_not_there() -> None:
    """A row without any label adds nothing to the gradients at the representation."""
    whole, rows = (Steps("UPGrad", engine={"at": "features"}) for _ in range(2))
    inputs, labels, _ = partial(0)
    for name, target in labels.items():
        target[6:] = -100 if name == "kind" else torch.nan
    one = whole(masked(whole.model, inputs, labels))
    two = rows(masked(rows.model, inputs[:6], {name: y[:6] for name, y in labels.items()}))
    assert_same_record(one, two)
    assert_close(whole.model, rows.model)


def assert_same_record(one: StepRecord, two: StepRecord) -> None:
    assert one.losses == pytest.approx(two.losses, rel=1e-10)
    assert one.balance is not None and two.balance is not None
    assert one.balance.tasks == two.balance.tasks == TASKS
    for what in ("weights", "norms", "cosines"):
        found, expected = getattr(one.balance, what), getattr(two.balance, what)
        assert (found is None) == (expected is None)
        if found is not None:
            np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


# --- no label at all ----------------------------------------------------------------------------


def held(steps: Steps, task: str) -> dict[str, Any]:
    """All that belongs to one task: of the head, of the optimizer, of the balancer."""
    key = safe_key(task)
    head = steps.model.heads[key]
    state = steps.balancer.state_dict()
    return copy.deepcopy(
        {
            "head": head.state_dict(),
            "optimizer": [dict(steps.optimizer.state.get(each, {})) for each in head.parameters()],
            "balancer": {name: value for name, value in state.items() if key in name},
        }
    )


def assert_held(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    found = list(differences(before, after))
    assert not found, found[:3]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@every_balancer
def test_what_an_absent_task_holds_stays_to_the_last_bit(name: str, optimizer: str) -> None:
    """Momentum and weight decay included; then it takes part again."""
    task = "kind"
    steps = Steps(name, optimizer=OPTIMIZERS[optimizer], weight_decay=0.1)

    def take(seed: int, absent: list[str]) -> StepRecord:
        drawn = [partial(seed + 10 * batch, absent=absent) for batch in range(steps.taken)]
        return steps(*(masked(steps.model, *each) for each in drawn))

    for seed in range(2):
        take(seed, [])
    before = held(steps, task)
    others = held(steps, "pair")
    for seed in range(2, 5):
        record = take(seed, [task])
        assert record.balance is not None and task not in record.balance.tasks
        assert task not in record.losses
    assert_held(before, held(steps, task))
    assert list(differences(others["head"], held(steps, "pair")["head"]))
    record = take(5, [])
    assert record.balance is not None and set(record.balance.tasks) == set(TASKS)
    assert list(differences(before["head"], held(steps, task)["head"]))


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", [n for n in EVERY_BALANCER if balancer(n).batches > 1])
def test_a_task_in_one_of_several_batches_is_absent(name: str, place: int) -> None:
    """Look-ahead methods need its training labels; without validation labels it learns on."""
    steps = Steps(name)
    for seed in range(2):
        drawn = [partial(seed + 10 * batch) for batch in range(steps.taken)]
        steps(*(masked(steps.model, *each) for each in drawn))
    before = held(steps, "kind")
    for seed in range(2, 4):
        drawn = [
            partial(seed + 10 * batch, absent=["kind"] if batch == place else [])
            for batch in range(steps.taken)
        ]
        steps(*(masked(steps.model, *each) for each in drawn))
    if name in BILEVEL and place == 1:
        assert list(differences(before["head"], held(steps, "kind")["head"]))
    else:
        assert_held(before, held(steps, "kind"))


@every_balancer
def test_labels_of_weight_zero_are_no_labels(name: str) -> None:
    """A task all of whose labels weigh nothing is absent; by weights, by a mask, by its class."""
    found = []
    for way in ("value", "weight", "mask", "class"):
        steps = Steps(name)
        batches = []
        for batch in range(steps.taken):
            inputs, labels, weights = *complete(batch), {}
            if way == "value":
                labels["kind"][:] = -100
            elif way == "class":
                steps.model.tasks["kind"].class_weights = (0.0, 1.0, 2.0)  # type: ignore[attr-defined]
                labels["kind"][:] = 0
            else:
                off = torch.zeros(len(inputs))
                weights["kind"] = off if way == "weight" else off.bool()
            batches.append(masked(steps.model, inputs, labels, weights))
        record = steps(*batches)
        assert record.balance is not None and "kind" not in record.balance.tasks
        found.append(steps.model.state_dict())
    for state in found[1:]:
        assert not list(differences(found[0], state))


# --- in the Trainer -----------------------------------------------------------------------------


class Heads(Callback):
    """Keeps the head of a task after each step, and what the optimizer remembers of it."""

    def __init__(self, task: str) -> None:
        self.task = task
        self.found: list[dict[str, Any]] = []

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        head = trainer.model.heads[safe_key(self.task)]
        states = [dict(trainer.optimizer.state.get(each, {})) for each in head.parameters()]
        self.found.append(copy.deepcopy({"head": head.state_dict(), "optimizer": states}))


def batches(*absent: list[str]) -> list[Any]:
    return [partial(seed, absent=names) for seed, names in enumerate(absent)]


@pytest.mark.parametrize("clip", [None, 0.1])
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["Equal", "UncertaintyWeights", "UPGrad", "MoDo", "AutoLambda"])
def test_the_head_of_an_absent_task_does_not_move(
    name: str, optimizer: str, accumulate: int, clip: float | None
) -> None:
    taken = balancer(name).batches
    if name == "AutoLambda" and accumulate > 1:
        pytest.skip("looks ahead from one batch")
    heads, made = Heads("kind"), model()
    present, absent = [[]] * taken * accumulate, [["kind"]] * taken * accumulate
    Trainer(
        made,
        balancer(name).double(),
        optimizer=OPTIMIZERS[optimizer],
        lr=0.01,
        weight_decay=0.1,
        epochs=1,
        accumulate=accumulate,
        clip=clip,
        callbacks=[heads],
        progress=False,
        device="cpu",
    ).fit(batches(*present, *present, *absent, *absent, *present))
    first, second, third, fourth, fifth = heads.found
    assert list(differences(first["head"], second["head"]))
    assert_held(second, third)
    assert_held(second, fourth)
    assert list(differences(fourth["head"], fifth["head"]))


def test_one_labelled_micro_batch_is_enough_to_move_it() -> None:
    heads = Heads("kind")
    Trainer(model(), epochs=1, accumulate=2, callbacks=[heads], progress=False, device="cpu").fit(
        batches([], ["kind"], ["kind"], [])
    )
    assert list(differences(heads.found[0]["head"], heads.found[1]["head"]))


class Networks(Callback):
    """Keeps the own network of task "kind" after each step."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        network = trainer.model.sharing.networks()["kind"]
        self.found.append(copy.deepcopy(network.state_dict()))


def networks(name: str, *regularizers: Regularizer) -> list[dict[str, Any]]:
    """After a step with all labels, one without those of task "kind", and one with all."""

    def encoder() -> nn.Module:
        return nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU()).double()

    made = MultiTaskModel(
        Separate(encoder),
        tasks(),
        example=torch.zeros(2, 5, dtype=torch.float64),
        regularization=regularizers,
    )
    own = Networks()
    Trainer(
        made,
        balancer(name).double(),
        weight_decay=0.1,
        epochs=1,
        callbacks=[own],
        progress=False,
        device="cpu",
    ).fit(batches([], ["kind"], []))
    return own.found


@pytest.mark.parametrize("name", ["Equal", "UPGrad"])
def test_the_own_network_of_an_absent_task_does_not_move(name: str) -> None:
    """Nor do the running statistics of its normalisation: it is not run."""
    first, second, third = networks(name)
    assert_held(first, second)
    assert list(differences(second, third))


@pytest.mark.parametrize("mode", ["loss", "prox"])
def test_a_regularizer_moves_the_networks_of_all_tasks(mode: Any) -> None:
    first, second, _ = networks("Equal", TraceNorm(strength=0.1, mode=mode))
    moved = {name for name, value in first.items() if not torch.equal(value, second[name])}
    assert {"0.weight", "1.weight"} & moved
    assert not {"1.running_mean", "1.running_var"} & moved
