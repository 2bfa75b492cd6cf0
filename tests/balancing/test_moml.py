"""MOML on quadratics, against autograd through the step."""

import copy

import numpy as np
import pytest
import torch

from plait.balancing import MOML
from plait.balancing.solvers import min_norm
from plait.core.errors import ConfigError, NonFiniteError
from tests.balancing.problems import Quadratic, random_data
from tests.balancing.promises import same


def problem(tasks: int = 3) -> Quadratic:
    return Quadratic(*random_data(tasks), torch.linspace(-1, 1, 4), lr=0.05)


def upper_jacobian(one: Quadratic, logits: torch.Tensor, inner_lr: float) -> torch.Tensor:
    """dL_t^val / da_i, by differentiating the step itself."""

    def ahead(a: torch.Tensor) -> torch.Tensor:
        theta = one.theta.detach().requires_grad_()
        objective = a.softmax(dim=0) @ one.train([theta])
        (gradient,) = torch.autograd.grad(objective, theta, create_graph=True)
        return one.val([theta - inner_lr * gradient])

    found: torch.Tensor = torch.autograd.functional.jacobian(ahead, logits)
    return found


def test_logits_follow_the_min_norm_gradient_through_the_step() -> None:
    one, balancer = problem(), MOML(inner_lr=0.2, outer_lr=0.1)
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([logits], lr=0.1)
    for _ in range(5):
        rows = upper_jacobian(one, logits.detach(), 0.2)
        rows = rows / rows.norm(dim=1, keepdim=True)
        logits.grad = torch.from_numpy(min_norm((rows @ rows.T).numpy())) @ rows
        adam.step()
        weights, val = balancer.weights(one)
        assert val is None
        torch.testing.assert_close(weights, logits.detach().softmax(dim=0))
        one.step(weights)
    assert np.ptp(weights.numpy()) > 0.01  # they have moved


def test_the_common_value_of_the_logits_does_not_matter() -> None:
    one, low, high = problem(), MOML(), MOML(init=5.0)
    for _ in range(3):
        torch.testing.assert_close(low.weights(one)[0], high.weights(one)[0])


def test_a_task_without_validation_labels_is_left_out() -> None:
    one, other = problem(2), problem(2)
    one.data["val"][0][1] = 0.0  # no gradient
    one.data["val"][1][1] = 0.0
    balancer = MOML(outer_lr=0.1)
    weights, _ = balancer.weights(one)
    rows = balancer.upper_rows(other, np.full(2, 0.5))
    expected = (
        torch.tensor([0.0, 0.0], dtype=torch.float64) - 0.1 * torch.from_numpy(rows[0]).sign()
    )
    torch.testing.assert_close(weights, expected.softmax(dim=0), atol=1e-6, rtol=0)


def test_where_weights_change_nothing_rounding_is_not_followed() -> None:
    """Equal tasks: every mixture is the same step."""
    data = [{key: torch.cat([part] * 7) for key, part in each.items()} for each in random_data(1)]
    one = Quadratic(*data, torch.linspace(-1, 1, 4) / 3, lr=0.05)
    balancer = MOML(outer_lr=0.1)
    weights, _ = balancer.weights(one)
    assert weights.tolist() == [weights[0]] * 7
    assert (weights - 1 / 7).abs().max() < 1e-15
    assert balancer.flag == "no validation loss depends on the weights"


def test_a_single_task_has_the_whole_weight() -> None:
    assert MOML().weights(problem(1))[0].tolist() == [1.0]


def test_an_absent_task_holds_its_logit() -> None:
    three, two, balancer = problem(3), problem(2), MOML()
    balancer.weights(three)
    before = copy.deepcopy(balancer.state_dict())
    torch.testing.assert_close(balancer.weights(two)[0].sum(), torch.tensor(1.0).double())
    after = balancer.state_dict()
    held = [key for key in before if three.tasks[2] in key]
    assert held
    assert all(torch.equal(before[key], after[key]) for key in held)


def test_the_state_goes_into_a_new_one_and_survives_an_error() -> None:
    one, first, second = problem(), MOML(), MOML()
    first.weights(one)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert torch.equal(first.weights(one)[0], second.weights(one)[0])
    one.data["val"][1][1, 0] = float("nan")
    before = copy.deepcopy(first.state_dict())
    with pytest.raises(NonFiniteError, match="'task 1'"):
        first.weights(one)
    assert same(before, first.state_dict())


@pytest.mark.parametrize("option", ["inner_lr", "outer_lr"])
def test_options_have_to_be_positive(option: str) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` must be positive; found -1"):
        MOML(**{option: -1.0})
