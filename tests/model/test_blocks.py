"""Blocks of like heads: what runs at once, what runs apart, and that both say the same."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.func import functional_call

from plait.core.structure import PerTask
from plait.model import MultiTaskModel
from plait.sharing import Hard, Separate
from tests.model.blocks import B, agree, blocks, join, labels, made, tasks_of

pytestmark = pytest.mark.usefixtures("double")


@pytest.fixture
def model(double: None) -> Iterator[MultiTaskModel]:
    found = made()
    with join(found):
        yield found


def test_like_tasks_are_found(model: MultiTaskModel) -> None:
    found = blocks(model)
    wanted = [[f"n{position}" for position in range(8)], [f"y{position}" for position in range(8)]]
    assert [list(block.tasks) for block in found.all] == wanted
    assert found.apart == ("apart",)
    assert [list(whole.shape) for whole in found.wholes] == 2 * [[8, 1, 6], [8, 1]]
    assert found.intact()


@pytest.mark.parametrize("wanted", [None, ["y2", "n4", "apart", "n1"], ["n3"], ["apart"], []])
def test_predictions_are_those_of_the_heads(
    model: MultiTaskModel, wanted: list[str] | None
) -> None:
    inputs = torch.randn(B, 4)
    apart = model(inputs, tasks=wanted)
    assert not apart.slices
    with torch.no_grad():
        found = model(inputs, tasks=wanted)
    agree(found, apart)
    assert bool(found.slices) == any(task != "apart" for task in apart)
    assert found.features.keys() == apart.features.keys()
    for task in apart:
        assert torch.equal(found.features[task].levels[-1], apart.features[task].levels[-1])
    with model.flow.joint(True):
        agree(model(inputs, tasks=wanted), apart)


def test_a_gradient_reaches_the_joined_parameters_and_the_trunk(model: MultiTaskModel) -> None:
    inputs = torch.randn(B, 4)
    batch = model.batch(inputs, {name: labels(task) for name, task in model.tasks.items()})
    with model.flow.joint(True):
        sum(model.losses([model(inputs)], batch).values()).backward()
    (trunk,) = [p.grad for p in model.sharing.parameters() if p.dim() == 2]
    whole = blocks(model).wholes[0]
    assert trunk is not None and whole.grad is not None
    found = trunk.clone(), whole.grad.clone()
    model.sharing.zero_grad()
    whole.grad = None
    sum(model.losses([model(inputs)], batch).values()).backward()
    (trunk,) = [p.grad for p in model.sharing.parameters() if p.dim() == 2]
    assert trunk is not None and whole.grad is not None
    torch.testing.assert_close(found, (trunk, whole.grad), rtol=1e-10, atol=1e-12)


def test_other_parameters_for_a_while_run_apart(model: MultiTaskModel) -> None:
    """`functional_call` puts tensors in the place of parameters, which no block would read."""
    inputs = torch.randn(B, 4)
    state = {name: value + 0.1 for name, value in model.state_dict().items()}
    with torch.no_grad():
        found = functional_call(model, state, (inputs,))
        assert not found.slices
        assert model(inputs).slices
        model.load_state_dict(state)
        agree(model(inputs), found)


def test_copies_have_no_blocks(model: MultiTaskModel) -> None:
    inputs = torch.randn(B, 4)
    with torch.no_grad():
        wanted = model(inputs)
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert other.flow.blocks is None
            agree(other(inputs), wanted)


def test_blocks_end_with_the_training() -> None:
    model = made()
    with join(model):
        assert model.flow.blocks is not None
    assert model.flow.blocks is None
    with torch.no_grad():
        assert not model(torch.zeros(2, 4)).slices


def test_a_move_is_followed() -> None:
    model = made()
    with join(model), torch.no_grad():
        inputs = torch.randn(B, 4)
        before = model(inputs)
        model.float()
        apart = model(inputs.float())
        assert not apart.slices
        for block in blocks(model).all:
            for joined in block.joined:
                joined.gather()  # as the next step does
        after = model(inputs.float())
        assert after.slices
        for task, each in before.items():
            assert after[task].dtype == torch.float32
            torch.testing.assert_close(after[task], apart[task])
            torch.testing.assert_close(after[task].double(), each, rtol=1e-4, atol=1e-5)


def test_what_reads_different_features_runs_apart() -> None:
    trunk = nn.Sequential(nn.Linear(4, 6), nn.Tanh())
    names = [task.name for task in tasks_of()]
    halves = Hard(trunk, groups=[names[:8], names[8:]])
    for sharing in (halves, Separate(trunk)):
        model = made(sharing)
        with join(model), torch.no_grad():
            assert not model(torch.zeros(2, 4)).slices


def test_inputs_by_task_run_apart(model: MultiTaskModel) -> None:
    with torch.no_grad():
        inputs = {name: torch.zeros(2, 4) for name in model.tasks}
        assert not model(PerTask(inputs)).slices


def test_a_task_with_a_loss_of_its_own_keeps_it() -> None:
    tasks = tasks_of()
    model = made(tasks=tasks)
    task = tasks[0]
    vars(task)["elementwise"] = lambda prediction, target: (prediction[:, 0] - target).abs()
    with join(model):
        assert [block.tasks[0] for block in blocks(model).all] == ["y0"]
