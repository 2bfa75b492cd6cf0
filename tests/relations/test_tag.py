"""TAG against a loop that moves a copy, and not a bit left behind."""

import copy
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError, DataError, NonFiniteError
from plait.core.random_state import random_state
from plait.core.structure import PerTask
from plait.model import MultiTaskModel
from plait.relations import loss_improvement, tag_affinity, transference
from plait.relations.probe import Probe
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training.virtual_step import virtual_step
from tests.relations.models import TASKS, batch_of, model_of, noisy_trunk

LR = 0.05


def loop(model: MultiTaskModel, batch: Any, groups: list[list[str]], *, own: bool = False) -> Any:
    """The definition, on a copy that is stepped and thrown away; no dropout."""
    rows = []
    for group in groups:
        moved = copy.deepcopy(model)
        before = Probe(moved, batch).losses()
        sum(before[task] for task in group).backward()
        with torch.no_grad():
            for name, parameter in moved.named_parameters():
                if parameter.grad is not None and (own or not name.startswith("heads")):
                    parameter -= LR * parameter.grad
        after = Probe(moved, batch).losses()
        rows.append([1 - after[task].item() / before[task].item() for task in TASKS])
    return np.array(rows)


def test_rows_are_sources_and_columns_targets() -> None:
    model, batches = model_of(nn.Linear(4, 3)), [batch_of(seed=s) for s in range(3)]
    found = tag_affinity(model, batches, lr=LR)
    expected = np.mean([loop(model, batch, [[t] for t in TASKS]) for batch in batches], axis=0)
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-6)
    assert found.sources == found.tasks == TASKS and (found.counts == 3).all()
    losses = [[float(Probe(model, b).losses()[t].detach()) for t in TASKS] for b in batches]
    np.testing.assert_allclose(found.losses, np.mean(losses, axis=0), rtol=1e-6)


def test_a_group_takes_the_step_of_its_sum() -> None:
    model, batch = model_of(nn.Linear(4, 3)), batch_of()
    groups = [["a", "b"], ["c"], ["a", "b", "c"]]
    found = transference(model, [batch], groups, lr=LR)
    np.testing.assert_allclose(found.values, loop(model, batch, groups), rtol=1e-4, atol=1e-6)
    assert found.sources == ("a+b", "c", "a+b+c")


def test_a_whole_step_moves_the_head_as_well() -> None:
    model, batch = model_of(nn.Linear(4, 3)), batch_of()
    found = loss_improvement(model, [batch], lr=LR).values
    expected = loop(model, batch, [[t] for t in TASKS], own=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    others = ~np.eye(3, dtype=bool)
    np.testing.assert_array_equal(found[others], tag_affinity(model, [batch], lr=LR).values[others])


def state_of(model: MultiTaskModel) -> Any:
    """Everything that a look ahead could change."""
    random = random_state(torch.device("cpu"))
    random["numpy"] = str(random["numpy"])
    random["torch"] = random["torch"].tolist()
    tensors = {name: each.clone() for name, each in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    slopes = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    identities = [id(each) for each in (*model.parameters(), *model.buffers())]
    return random, tensors, modes, slopes, identities


def assert_same(before: Any, after: Any) -> None:
    assert before[0] == after[0] and before[2] == after[2] and before[4] == after[4]
    assert all(torch.equal(before[1][name], after[1][name]) for name in before[1])
    pairs = zip(before[3], after[3], strict=True)
    assert all((a is None) == (b is None) and (a is None or torch.equal(a, b)) for a, b in pairs)


@pytest.mark.parametrize("measure", [tag_affinity, loss_improvement])
def test_not_a_bit_changes(measure: Any) -> None:
    model = model_of(noisy_trunk()).train()
    Probe(model, batch_of())
    sum(model.losses([model(batch_of()[0])], model.batch(*batch_of())).values()).backward()
    before = state_of(model)
    found = measure(model, [batch_of(seed=s) for s in range(2)])
    assert_same(before, state_of(model))
    assert np.isfinite(found.values).all()


def test_not_a_bit_changes_after_an_error() -> None:
    model = model_of(noisy_trunk()).train()
    calls = []

    def step(parameters: Any, gradients: Any) -> Any:
        calls.append(torch.rand(1))
        if len(calls) == 3:
            raise KeyError("in between")
        return [p - g for p, g in zip(parameters, gradients, strict=True)]

    before = state_of(model)
    with pytest.raises(KeyError, match="in between"):
        tag_affinity(model, [batch_of()], step=step)
    assert_same(before, state_of(model))


def test_dropout_is_the_same_before_and_after() -> None:
    """With a step of next to nothing the loss stays where it is, whatever dropout does."""
    model = model_of(noisy_trunk()).train()
    assert abs(tag_affinity(model, [batch_of()], lr=1e-9).values).max() < 1e-5


@pytest.mark.parametrize("kind", [partial(torch.optim.SGD, momentum=0.9), torch.optim.AdamW])
def test_the_step_of_an_optimizer(kind: Any) -> None:
    model, batch = model_of(nn.Linear(4, 3)), batch_of()
    shared = [p for name, p in model.named_parameters() if not name.startswith("heads")]
    optimizer = kind(shared, lr=LR)
    for _ in range(2):  # moments, so that it is no plain step
        optimizer.zero_grad()
        sum(Probe(model, batch).losses().values()).backward()
        optimizer.step()
    optimizer.zero_grad()

    def ahead(parameters: Any, gradients: Any) -> Any:
        return virtual_step(optimizer, parameters, parameters, gradients)[0]

    found = tag_affinity(model, [batch], step=ahead).values
    for row, task in enumerate(TASKS):
        moved, stepped = copy.deepcopy((model, optimizer))
        before = Probe(moved, batch).losses()
        stepped.zero_grad()
        before[task].backward()
        stepped.step()
        after = Probe(moved, batch).losses()
        expected = [1 - after[t].item() / before[t].item() for t in TASKS]
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-6)


def test_pairs_that_never_meet_are_nan_and_counted() -> None:
    model = model_of(nn.Linear(4, 3))
    inputs, labels = batch_of()
    missing = torch.full((8,), torch.nan)
    batches = [
        (inputs, {**labels, "c": missing}),
        (inputs, {**labels, "c": missing}),
        (inputs, {"a": missing, "b": labels["b"], "c": labels["c"]}),
    ]
    found = tag_affinity(model, batches)
    assert found.counts.tolist() == [[2, 2, 0], [2, 3, 1], [0, 1, 1]]
    assert np.isnan(found.values).tolist() == (found.counts == 0).tolist()


def test_inputs_of_their_own() -> None:
    """Each task reads its own examples; the trunk is one."""
    example = PerTask({task: torch.zeros(2, 4) for task in TASKS})
    tasks = [Regression(task, mean=0.0, scale=1.0) for task in TASKS]
    model = MultiTaskModel(Hard(nn.Linear(4, 3)), tasks, example=example)
    inputs = PerTask({task: batch_of(seed=n)[0] for n, task in enumerate(TASKS)})
    batch = model.batch(inputs, batch_of()[1])
    found = tag_affinity(model, [batch], lr=LR)
    np.testing.assert_allclose(
        found.values, loop(model, batch, [[t] for t in TASKS]), rtol=1e-4, atol=1e-6
    )


def test_the_scale_of_a_loss_does_not_matter_where_it_is_looked_at() -> None:
    """A static weight acts on the step of its task, and not on the change of its loss."""
    plain = model_of(nn.Linear(4, 3))
    tasks = [
        Regression(t, mean=0.0, scale=1.0, weight=w) for t, w in zip("abc", (2, 1, 1), strict=True)
    ]
    weighted = MultiTaskModel(Hard(nn.Linear(4, 3)), tasks, example=torch.zeros(2, 4))
    weighted.load_state_dict(plain.state_dict())
    one = tag_affinity(plain, [batch_of()], lr=LR).values
    two = tag_affinity(weighted, [batch_of()], lr=LR).values
    np.testing.assert_allclose(one[1:], two[1:], rtol=1e-5)
    np.testing.assert_allclose(
        tag_affinity(plain, [batch_of()], lr=2 * LR).values[0], two[0], rtol=1e-4
    )


def test_a_loss_of_0_has_no_relative_change() -> None:
    model = model_of(nn.Linear(4, 3))
    inputs, labels = batch_of()
    labels["b"] = model(inputs)["b"][:, 0].detach()
    found = tag_affinity(model, [(inputs, labels)])
    assert np.isnan(found.values[:, 1]).all() and np.isfinite(found.values[:, [0, 2]]).all()


def test_what_does_not_fit_is_refused() -> None:
    model = model_of(nn.Linear(4, 3))
    with pytest.raises(ConfigError, match="lr"):
        tag_affinity(model, [batch_of()], lr=0.0)
    with pytest.raises(ConfigError, match="unknown task"):
        transference(model, [batch_of()], [["a", "d"]])
    with pytest.raises(ConfigError, match="empty"):
        transference(model, [batch_of()], [[]])
    with pytest.raises(DataError, match="no batch"):
        tag_affinity(model, [])


def test_a_loss_that_is_no_number_is_named() -> None:
    model = model_of(nn.Linear(4, 3))
    with pytest.raises(NonFiniteError, match="after the step of 'a'; take a smaller one"):
        tag_affinity(model, [batch_of()], lr=1e30)
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    with pytest.raises(NonFiniteError, match="'a' is nan before a step"):
        tag_affinity(model, [batch_of()])
