"""FORUM on quadratics, against its definition written out on flat vectors."""

import copy

import numpy as np
import pytest
import torch

from plait.balancing import FORUM, Info
from plait.balancing.solvers import dynamic_barrier
from plait.core.errors import ConfigError, NonFiniteError
from tests.balancing.problems import Quadratic, random_data
from tests.balancing.promises import same

OPTIONS = {"phi": 0.5, "inner_lr": 0.05, "inner_step": 4}


def problem(tasks: int = 3, *, seed: int = 0, unlike: float = 0.0) -> Quadratic:
    train, val = random_data(tasks, seed=seed)
    val = {**val, "b": val["b"] - unlike * train["b"]}
    return Quadratic(train, val, torch.linspace(-1, 1, 4), lr=0.05)


def gap(one: Quadratic, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradient of q in (a, theta), the inner steps held fixed."""
    shares = logits.softmax(dim=0)
    theta = one.theta.detach().clone().requires_grad_()
    end = theta
    for _ in range(OPTIONS["inner_step"]):
        (slope,) = torch.autograd.grad(shares.detach() @ one.train([end]), end)
        end = (end - OPTIONS["inner_lr"] * slope).detach().requires_grad_()
    q = shares @ one.train([theta]) - shares @ one.train([end.detach()])
    in_logits, in_theta = torch.autograd.grad(q, [logits, theta])
    return in_logits, in_theta


@pytest.mark.parametrize("unlike", [0.0, 1.0, 2.0])
def test_is_the_definition(unlike: float) -> None:
    one, balancer = problem(unlike=unlike), FORUM(**OPTIONS, outer_lr=0.1)
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([logits], lr=0.1)
    held = np.zeros(3)
    for epoch in (0, 0, 1, 2):
        in_logits, in_theta = gap(one, logits)
        q = torch.cat([in_logits, in_theta]).numpy()
        slopes = one.slopes("val").numpy()
        rows = np.array([[*np.zeros(3), *(slope / np.linalg.norm(slope))] for slope in slopes])
        length = np.linalg.norm(q)
        found = dynamic_barrier(rows @ rows.T, rows @ q / length, OPTIONS["phi"] * length)
        held = held + (epoch + 1) ** -0.75 * (found - held)
        nu = max(0.0, OPTIONS["phi"] - held @ rows @ q / length**2)
        d = held @ rows + nu * q
        before = one.theta.detach().clone()
        train, val = balancer.weights(one, Info(one.tasks, epoch=epoch))
        one.step(train, val)
        np.testing.assert_allclose((before - one.theta).detach() / 0.05, d[3:], atol=1e-9)
        logits.grad = torch.from_numpy(d[:3])
        adam.step()
    now = balancer.logits.get(one.tasks, torch.zeros((), dtype=torch.float64))
    torch.testing.assert_close(now, logits.detach(), atol=1e-7, rtol=0)


def test_the_constraint_falls_as_fast_as_it_has_to() -> None:
    for seed in range(5):
        one, balancer = problem(seed=seed, unlike=1.5), FORUM(**OPTIONS)
        in_logits, in_theta = gap(one, torch.zeros(3, dtype=torch.float64, requires_grad=True))
        square = in_logits.square().sum() + in_theta.square().sum()
        before = one.theta.detach().clone()
        train, val = balancer.weights(one)
        one.step(train, val)
        d = (before - one.theta.detach()) / 0.05
        nu = train.sum()
        fall = d @ in_theta + nu * in_logits.square().sum()
        assert fall >= (OPTIONS["phi"] - 1e-9) * square


def test_training_losses_do_not_count_where_validation_leads_the_same_way() -> None:
    one = problem(1)
    assert FORUM(phi=0.1).weights(one)[0].tolist() == [0.0]
    for part in one.data["val"]:
        part[0] *= -1  # the same losses
    assert FORUM(phi=0.1).weights(one)[0].tolist() == [0.0]
    one.data["val"][1][0] *= -1  # the opposite target
    assert FORUM(phi=0.1).weights(one)[0] > 0.1


def test_passes_are_those_that_it_says() -> None:
    one = problem()
    FORUM(inner_step=3).weights(one)
    assert one.calls == {"train": 4, "val": 1}


def test_a_task_without_validation_labels_is_left_out_and_held() -> None:
    one, balancer = problem(2), FORUM()
    balancer.weights(one)
    key = f"multipliers.task:{one.tasks[1]}"
    before = balancer.state_dict()[key].clone()
    for part in one.data["val"]:
        part[1] = 0.0
    _, val = balancer.weights(one)
    assert val[1] == 0 < val[0]
    assert torch.equal(balancer.state_dict()[key], before)
    assert balancer.flag is None


def test_without_validation_labels_the_training_losses_are_followed() -> None:
    one, balancer = problem(2), FORUM(phi=0.25)
    for part in one.data["val"]:
        part.zero_()
    train, val = balancer.weights(one)
    assert train.tolist() == [0.125, 0.125]
    assert val.tolist() == [0.0, 0.0]
    assert balancer.flag == "no validation gradient"


def test_at_a_minimum_of_the_training_losses_only_validation_counts() -> None:
    one, balancer = problem(1), FORUM()
    matrix, target = (part[0] for part in one.data["train"])
    with torch.no_grad():
        one.theta.copy_(torch.linalg.lstsq(matrix, target).solution)
    train, val = balancer.weights(one)
    assert train.isfinite().all()
    before = one.theta.detach().clone()
    one.step(train, val)
    assert float((one.theta.detach() - before).norm()) <= 0.05 * 2.1  # unit validation gradient


def test_an_absent_task_holds_its_state() -> None:
    three, two, balancer = problem(3), problem(2), FORUM()
    balancer.weights(three)
    before = copy.deepcopy(balancer.state_dict())
    balancer.weights(two)
    held = [key for key in before if three.tasks[2] in key]
    assert held
    assert all(torch.equal(before[key], balancer.state_dict()[key]) for key in held)


def test_the_state_goes_into_a_new_one_and_survives_an_error() -> None:
    one, first, second = problem(), FORUM(), FORUM()
    first.weights(one)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert same(first.weights(one), second.weights(one))
    one.data["train"][1][1, 0] = float("nan")
    before = copy.deepcopy(first.state_dict())
    with pytest.raises(NonFiniteError, match="'task 1'"):
        first.weights(one)
    assert same(before, first.state_dict())


@pytest.mark.parametrize("option", ["phi", "inner_lr", "outer_lr"])
def test_options_have_to_be_positive(option: str) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` must be positive; found 0"):
        FORUM(**{option: 0.0})


def test_there_is_at_least_one_inner_step() -> None:
    with pytest.raises(ConfigError, match="`inner_step` must be at least 1; found 0"):
        FORUM(inner_step=0)
