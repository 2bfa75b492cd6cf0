"""Grad-TAG against refits of linear models, which it has to equal."""

from itertools import combinations

import numpy as np
import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError, DataError
from plait.core.keys import safe_key
from plait.model import MultiTaskModel
from plait.relations import GradTAG, TaskGradients, every_group, example_gradients
from plait.relations.fits import fit
from plait.relations.probe import Probe
from plait.sharing import Hard
from plait.tasks import Binary
from tests.relations.models import TASKS, batch_of, model_of


def linear(rows: int = 12) -> tuple[MultiTaskModel, tuple[torch.Tensor, dict[str, torch.Tensor]]]:
    model = model_of(nn.Linear(4, 3, bias=False)).double()
    inputs, labels = batch_of(rows=rows)
    return model, (inputs.double(), {task: each.double() for task, each in labels.items()})


def test_on_a_linear_model_it_is_the_exact_refit() -> None:
    """Predictions are c_t W x: least squares in W, solved over all examples of the group."""
    model, (inputs, labels) = linear()
    made = example_gradients(model, [(inputs, labels)], directions=12)
    found = GradTAG(made, held_out=made, ridge=0.0).losses(every_group(TASKS))
    heads = {t: [p.detach() for p in model.heads[safe_key(t)].parameters()] for t in TASKS}
    design = {t: torch.einsum("h,nd->nhd", c[0], inputs).flatten(1) for t, (c, _) in heads.items()}
    wanted = {t: labels[t] - heads[t][1] for t in TASKS}
    for row, group in zip(found, every_group(TASKS), strict=True):
        left = torch.cat([design[t] for t in group])
        right = torch.cat([wanted[t] for t in group])
        weights = torch.linalg.pinv(left) @ right
        for task, loss in zip(TASKS, row, strict=True):
            if task in group:  # elsewhere many refits are equally good, and start from elsewhere
                exact = (design[task] @ weights - wanted[task]).square().mean()
                assert loss == pytest.approx(float(exact), rel=1e-6, abs=1e-9)


def test_of_linear_classifiers_it_is_where_training_ends() -> None:
    """At the fitted parameters, written into the model, the gradient of the objective is 0."""
    tasks = [Binary("a"), Binary("b")]
    model = MultiTaskModel(Hard(nn.Linear(4, 3, bias=False)), tasks, example=torch.zeros(2, 4))
    model.double()
    inputs = torch.randn(20, 4).double()
    labels = {"a": torch.randint(2, (20, 1)), "b": torch.randint(2, (20, 1))}
    made = example_gradients(model, [(inputs, labels)], directions=12)
    tag = GradTAG(made, held_out=made, ridge=0.1)
    change = fit(list(made.values()), [1.0, 1.0], tag._ridge)
    ((name, weight),) = [(n, p) for n, p in model.named_parameters() if n.startswith("sharing")]
    moved = weight.detach() + torch.tensor(change).view_as(weight)
    after = Probe(model, (inputs, labels)).losses({name: moved})
    assert tag.losses([("a", "b")])[0] == pytest.approx([v.item() for v in after.values()])
    with torch.no_grad():
        weight.copy_(moved)
    losses = Probe(model, (inputs, labels)).losses()
    slope = torch.autograd.grad(sum(losses.values()) / 2, weight)[0].flatten()
    rest = slope.numpy() + 2 * tag._ridge * change
    assert np.abs(rest).max() < 1e-6


def test_the_joint_model_is_the_empty_group() -> None:
    model, batch = linear()
    tag = GradTAG(example_gradients(model, [batch]), ridge=0.1)
    losses = Probe(model, batch).losses()
    assert tag.losses([()])[0] == pytest.approx([losses[t].item() for t in TASKS])


def test_without_other_examples_each_is_predicted_from_the_other_half() -> None:
    made = example_gradients(*[linear(30)[0], [linear(30)[1]]])
    halves = np.random.default_rng(0).integers(2, size=31)[np.arange(1, 31)]
    parts = [{task: each.only(halves == half) for task, each in made.items()} for half in (0, 1)]
    found = GradTAG(made).losses([("a", "b")])[0]
    one = GradTAG(parts[0], held_out=parts[1], ridge=0.1)
    two = GradTAG(parts[1], held_out=parts[0], ridge=0.1)
    one._ridge = two._ridge = GradTAG(made)._ridge
    expected = (
        one.losses([("a", "b")])[0] * (halves == 1).sum()
        + two.losses([("a", "b")])[0] * (halves == 0).sum()
    ) / 30
    np.testing.assert_allclose(found, expected)


def test_gains_and_affinities_are_relative_to_tasks_alone() -> None:
    model, batch = linear(30)
    tag = GradTAG(example_gradients(model, [batch]))
    alone = tag.losses([(t,) for t in TASKS]).diagonal()
    gains = tag.gains(every_group(TASKS))
    assert gains[0, 0] == 0.0 and np.isnan(gains[0, 1:]).all()
    pair = tag.losses([("a", "c")])[0]
    np.testing.assert_allclose(gains[4, [0, 2]], 1 - pair[[0, 2]] / alone[[0, 2]])
    found = tag.affinity()
    assert found.values[0, 2] == pytest.approx(gains[4, 2])  # of a onto c
    assert found.values[2, 0] == pytest.approx(gains[4, 0])
    higher = tag.affinity(every_group(TASKS)[3:]).values
    for i, j in combinations(range(3), 2):
        both = [n for n, g in enumerate(every_group(TASKS)) if {TASKS[i], TASKS[j]} <= set(g)]
        assert higher[i, j] == pytest.approx(gains[both, j].mean())
    np.testing.assert_allclose(found.values.diagonal(), 1 - alone / tag.losses([()])[0], rtol=1e-9)


def test_pairs_that_are_in_no_group_are_nan() -> None:
    model, batch = linear(30)
    found = GradTAG(example_gradients(model, [batch])).affinity([("a", "b")])
    assert np.isnan(found.values[2, 0]) and found.counts[2, 0] == 0


def test_weights_count_in_the_fit() -> None:
    made = {
        task: TaskGradients("squared", np.array([s, s]), np.ones((2, 1)), np.ones(2), np.arange(2))
        for task, s in (("a", -1.0), ("b", 1.0))
    }
    tag = GradTAG(made, held_out=made, ridge=0.0, weights={"a": 3.0})
    np.testing.assert_allclose(tag.losses([("a", "b")])[0], [0.25, 2.25])  # at d = 1/2


def test_what_does_not_fit_is_refused() -> None:
    model, batch = linear()
    made = example_gradients(model, [batch])
    with pytest.raises(ConfigError, match="ridge"):
        GradTAG(made, ridge=-1.0)
    with pytest.raises(ConfigError, match="unknown task"):
        GradTAG(made, weights={"d": 1.0})
    with pytest.raises(ConfigError, match="held_out"):
        GradTAG(made, held_out={})
    with pytest.raises(ConfigError, match="unknown task"):
        GradTAG(made).losses([("d",)])
    with pytest.raises(DataError, match="too few"):
        GradTAG(example_gradients(model, [(batch[0][:1], {t: y[:1] for t, y in batch[1].items()})]))
