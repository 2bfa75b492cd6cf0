"""Bilevel methods on a real model: what is asked changes nothing, and they train."""

import copy
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import plait.balancing
from plait.balancing import BilevelBalancer, Info
from plait.core.batch import Batch
from plait.core.errors import ConfigError
from plait.core.lookup import names
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Classification, Regression
from plait.training.problem import ModelProblem
from tests.training.problem import differences

BILEVEL = names(plait.balancing, BilevelBalancer)
every_method = pytest.mark.parametrize("name", BILEVEL)


# Weights of 0.1, as Auto-Lambda has them at first, would make the training ten times as long
FROM_ONE: dict[str, dict[str, float]] = {"AutoLambda": {"weight_init": 1.0}}


def new(name: str, **options: float) -> BilevelBalancer:
    made: BilevelBalancer = getattr(plait.balancing, name)(**options)
    return made


def model(*, dropout: float = 0.2, weight: float = 1.0) -> MultiTaskModel:
    """Convolution, batch normalisation and dropout under two heads."""
    torch.manual_seed(0)
    encoder = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
    )
    tasks = [Classification("side", classes=2), Regression("light", weight=weight)]
    return MultiTaskModel(Hard(encoder), tasks, example=torch.zeros(2, 1, 6, 6))


def batch(made: MultiTaskModel, seed: int, *, tasks: tuple[str, ...] = ("side", "light")) -> Batch:
    """Which half of the image is brighter, and how bright it is as a whole."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(16, 1, 6, 6, generator=generator)
    side = torch.arange(16) % 2
    images[side == 1, ..., 3:] += 1
    targets = {"side": side, "light": images.mean(dim=(2, 3))}
    return made.batch(images, {task: targets[task] for task in tasks})


def sgd(made: MultiTaskModel) -> torch.optim.Optimizer:
    return torch.optim.SGD(made.parameters(), lr=0.05, momentum=0.9)


def generators() -> dict[str, Any]:
    return {
        "torch": torch.get_rng_state(),
        "numpy": torch.from_numpy(np.random.get_state()[1].astype(np.int64)),
        "python": random.getstate(),
    }


def losses(made: MultiTaskModel, given: Batch) -> Tensor:
    outputs = [made(part.inputs, tasks=part.targets) for part in given.parts]
    return torch.stack(list(made.losses(outputs, given).values()))


def take_step(
    made: MultiTaskModel,
    balancer: BilevelBalancer,
    optimizer: torch.optim.Optimizer,
    train: Batch,
    val: Batch,
) -> None:
    """One step in the way that the engine takes it."""
    problem = ModelProblem(made, train, val, optimizer)
    weights, val_weights = balancer.weights(problem, Info(problem.tasks))
    objective = weights.float() @ losses(made, train)
    if val_weights is not None:
        objective = objective + val_weights.float() @ losses(made, val)
    optimizer.zero_grad()
    objective.backward()
    optimizer.step()


def test_there_are_bilevel_methods() -> None:
    assert BILEVEL


@every_method
def test_what_is_asked_changes_nothing(name: str) -> None:
    made = model()
    train, val = batch(made, 1), batch(made, 2)
    optimizer, balancer = sgd(made), new(name)
    take_step(made, balancer, optimizer, train, val)  # so that there is momentum
    optimizer.zero_grad()
    before = copy.deepcopy((made.state_dict(), optimizer.state_dict(), generators()))
    modes = [part.training for part in made.modules()]

    balancer.weights(ModelProblem(made, train, val, optimizer))

    after = (made.state_dict(), optimizer.state_dict(), generators())
    assert not list(differences(before, after))
    assert modes == [part.training for part in made.modules()]
    assert all(parameter.grad is None for parameter in made.parameters())


@every_method
def test_the_losses_of_a_small_network_fall(name: str) -> None:
    made = model(dropout=0.0)
    optimizer, balancer = sgd(made), new(name, **FROM_ONE.get(name, {}))
    train, val = batch(made, 1), batch(made, 2)
    balancer.setup(tuple(made.tasks))
    with torch.no_grad():
        before = losses(copy.deepcopy(made), val)
    for _ in range(60):
        take_step(made, balancer, optimizer, train, val)
    with torch.no_grad():
        after = losses(copy.deepcopy(made), val)
    assert (after < 0.5 * before).all()


def test_losses_are_those_of_the_model_with_the_same_dropout() -> None:
    made = model(weight=3.0)
    train = batch(made, 1)
    problem = ModelProblem(made, train, train, sgd(made))
    first, second = problem.train(problem.parameters), problem.train(problem.parameters)
    assert torch.equal(first, second)
    assert torch.equal(first, losses(made, train))  # weight and draws included


def test_losses_are_those_of_the_parameters_that_are_given() -> None:
    made = model()
    train = batch(made, 1)
    problem = ModelProblem(made, train, train, sgd(made))
    moved = copy.deepcopy(made)
    with torch.no_grad():
        for parameter in moved.parameters():
            parameter.add_(0.1)
    found = problem.val([parameter + 0.1 for parameter in made.parameters()])
    assert torch.equal(found, losses(moved, train))
    found.sum().backward()
    assert all(parameter.grad is not None for parameter in made.parameters())


def test_frozen_parameters_are_no_parameters_of_the_problem() -> None:
    made = model()
    convolution = next(iter(made.parameters()))
    convolution.requires_grad_(False)
    problem = ModelProblem(made, batch(made, 1), batch(made, 2), sgd(made))
    assert len(problem.parameters) == len(list(made.parameters())) - 1
    assert problem.train(problem.parameters).isfinite().all()


def test_several_parts_are_one_batch() -> None:
    made = model(dropout=0.0).eval()
    one, two = batch(made, 1), batch(made, 2, tasks=("light",))
    joined = Batch((*one.parts, *two.parts))
    problem = ModelProblem(made, joined, joined, sgd(made))
    torch.testing.assert_close(problem.train(problem.parameters), losses(made, joined))


@every_method
def test_a_task_without_validation_labels_has_no_say(name: str) -> None:
    made = model()
    train, val = batch(made, 1), batch(made, 2, tasks=("light",))
    problem = ModelProblem(made, train, val, sgd(made))
    assert problem.tasks == ("side", "light")
    found = problem.val(problem.parameters)
    assert found[0] == 0 < found[1]
    weights, val_weights = new(name).weights(problem)
    assert weights.isfinite().all()
    assert val_weights is None or val_weights[0] == 0


@every_method
def test_a_task_without_training_labels_is_absent(name: str) -> None:
    made = model()
    train, val = batch(made, 1, tasks=("light",)), batch(made, 2)
    problem = ModelProblem(made, train, val, sgd(made))
    assert problem.tasks == ("light",)
    weights, _ = new(name).weights(problem)
    assert weights.shape == (1,)


@every_method
def test_without_any_validation_label_nothing_breaks(name: str) -> None:
    made = model()
    val = made.batch(torch.zeros(2, 1, 6, 6), {"side": torch.full((2,), -100)})
    weights, _ = new(name).weights(ModelProblem(made, batch(made, 1), val, sgd(made)))
    assert weights.isfinite().all()
    assert (weights > 0).all()


def test_the_virtual_step_is_that_of_the_optimizer() -> None:
    made = model()
    optimizer = torch.optim.AdamW(made.parameters(), lr=0.01, weight_decay=0.1)
    train = batch(made, 1)
    for _ in range(2):
        optimizer.zero_grad()
        losses(made, train).sum().backward()
        optimizer.step()
    problem = ModelProblem(made, train, train, optimizer)
    gradient = [torch.randn_like(parameter) for parameter in made.parameters()]
    ahead, _ = problem.virtual_step(problem.parameters, gradient)
    for parameter, value in zip(made.parameters(), gradient, strict=True):
        parameter.grad = value
    optimizer.step()
    torch.testing.assert_close(ahead, tuple(p.detach() for p in made.parameters()))


def test_autocast_is_that_of_the_step() -> None:
    made = model(dropout=0.0)
    train = batch(made, 1)
    context = torch.autocast("cpu", dtype=torch.bfloat16)
    problem = ModelProblem(made, train, train, sgd(made), context)
    plain = ModelProblem(made, train, train, sgd(made))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = losses(copy.deepcopy(made), train)
    for _ in range(2):
        found = problem.train(problem.parameters)
        assert torch.equal(found, expected.to(found.dtype))
    assert not torch.equal(found, plain.train(plain.parameters))


def test_what_cannot_be_asked_is_refused() -> None:
    made = model()
    train = batch(made, 1)
    with pytest.raises(ConfigError, match="found RMSprop"):
        ModelProblem(made, train, train, torch.optim.RMSprop(made.parameters()))
    empty = made.batch(torch.zeros(2, 1, 6, 6), {"side": torch.full((2,), -100)})
    with pytest.raises(ConfigError, match="no label of any task"):
        ModelProblem(made, empty, train, sgd(made))
