"""Learned covariances of tasks, outputs and inputs, against explicit Kronecker products."""

import pytest
import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.regularization import MultilinearRelationship
from tests.regularization.nets import Net, networks, tied, values


def layers(nets: dict[str, Net], name: str) -> Tensor:
    """A layer of all tasks, `[out, in, T]` or `[out, T]`."""
    return torch.stack([net.get_parameter(name).detach() for net in nets.values()], dim=-1)


def product(regularizer: MultilinearRelationship, layer: int, order: int) -> Tensor:
    found = torch.ones(1, 1, dtype=torch.float64)
    for axis in range(order):
        found = torch.kron(found, regularizer.covariance(layer, axis))
    return found


def estimated(nets: dict[str, Net], times: int = 1, **options: float) -> MultilinearRelationship:
    regularizer = tied(MultilinearRelationship(strength=1.0, **options), nets)
    for _ in range(times):
        regularizer.estimate()
    return regularizer


def test_before_any_estimate_it_is_weight_decay() -> None:
    nets = networks("abc")
    regularizer = tied(MultilinearRelationship(strength=1.0), nets)
    rows = values(nets, "stem.weight", "stem.bias", "top.weight")
    torch.testing.assert_close(regularizer.cost(), rows.square().sum())


def test_the_cost_is_that_of_the_kronecker_product() -> None:
    nets = networks("abc")
    regularizer = estimated(nets, eps=0.1)
    expected = torch.zeros((), dtype=torch.float64)
    for index, name in enumerate(regularizer.names):
        tensor = layers(nets, name)
        vector = tensor.flatten()
        expected += vector @ torch.linalg.solve(product(regularizer, index, tensor.dim()), vector)
    torch.testing.assert_close(regularizer.cost().detach(), expected)


def test_each_covariance_is_the_best_for_the_others() -> None:
    """After one round, that of the tasks has seen the other two."""
    nets = networks("abc")
    regularizer = estimated(nets, eps=0.05)
    index = regularizer.names.index("stem.weight")
    tensor = layers(nets, "stem.weight")
    others = torch.kron(regularizer.covariance(index, 0), regularizer.covariance(index, 1))
    rows = tensor.flatten(0, 1).T  # [T, out x in]
    expected = rows @ torch.linalg.solve(others, rows.T) / rows.shape[1] + 0.05 * torch.eye(3)
    torch.testing.assert_close(regularizer.covariance(index, 2), expected.double())


def test_after_an_estimate_the_cost_is_the_number_of_parameters() -> None:
    """R = tr(S^-1 (S - eps I)) D_1 D_2, with an eps that is next to nothing."""
    nets = networks("ab")
    regularizer = estimated(nets, eps=1e-12, scope="stem.weight")
    assert regularizer.cost().item() == pytest.approx(2 * 12, rel=1e-6)


def test_the_proximal_step_solves_the_linear_system() -> None:
    nets = networks("abc")
    regularizer = estimated(nets, times=2, eps=0.1)
    expected = {}
    for index, name in enumerate(regularizer.names):
        tensor = layers(nets, name)
        precision = torch.linalg.inv(product(regularizer, index, tensor.dim()))
        system = torch.eye(len(precision), dtype=torch.float64) + 2 * 0.7 * precision
        expected[name] = torch.linalg.solve(system, tensor.flatten()).view(tensor.shape)
    regularizer.prox(0.7)
    for name, value in expected.items():
        torch.testing.assert_close(layers(nets, name), value)


def test_equal_tasks_are_correlated() -> None:
    nets = networks("ab")
    nets["b"].load_state_dict(nets["a"].state_dict())
    regularizer = estimated(nets, eps=1e-9)
    assert regularizer.correlation()[0, 1].item() > 0.999
    (table,) = regularizer.watched().values()
    assert table.columns == ("a", "b")


def test_an_eps_of_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`eps` must be above 0; found 0\.0"):
        MultilinearRelationship(strength=1.0, eps=0.0)
