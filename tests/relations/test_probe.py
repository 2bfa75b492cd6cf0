"""A probe's losses are those of the model, and at other parameters those of a moved copy."""

import copy

import torch

from plait.relations.probe import Probe, shared_parameters
from tests.relations.models import TASKS, batch_of, model_of, noisy_trunk


def test_each_evaluation_draws_the_same_numbers() -> None:
    model = model_of(noisy_trunk()).train()
    probe = Probe(model, batch_of())
    first, again = probe.losses(), probe.losses({})
    assert probe.tasks == TASKS
    assert all(torch.equal(first[task], again[task]) for task in TASKS)
    assert all(loss.requires_grad for loss in first.values())
    assert not any(loss.requires_grad for loss in again.values())


def test_moved_losses_are_those_of_a_moved_model() -> None:
    model = model_of(noisy_trunk()).eval()
    probe = Probe(model, batch_of())
    moved = copy.deepcopy(model)
    with torch.no_grad():
        for name, parameter in moved.named_parameters():
            if name in probe.shared:
                parameter.add_(0.5)
    values = {name: p.detach() + 0.5 for name, p in probe.shared.items()}
    expected = Probe(moved, batch_of()).losses()
    found = probe.losses(values)
    assert all(torch.equal(found[task], expected[task]) for task in TASKS)


def test_the_heads_are_not_shared() -> None:
    model = model_of(torch.nn.Linear(4, 3))
    names = shared_parameters(model)
    assert len(names) == 2 and not any("heads" in name for name in names)
    probe = Probe(model, batch_of())
    found = probe.gradients(probe.losses(), names)
    assert set(found) == set(TASKS) and all(list(each) == names for each in found.values())
