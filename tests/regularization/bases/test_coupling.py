"""A learned coupling with f(S) = S^-1 and S = (W W^T + I) / c, against plain matrices."""

import pytest
import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.regularization.bases.coupling import LearnedCoupling
from tests.regularization.nets import networks, on_rows, rows_of, tied, values


class Inverse(LearnedCoupling):
    def first_values(self) -> Tensor:
        return torch.full((len(self.tasks),), 0.5, dtype=torch.float64)

    def values_at(self, singular_values: Tensor) -> Tensor:
        return singular_values.square() + 1

    def stiffness(self, values: Tensor) -> Tensor:
        return 1 / values


def rows(tasks: int = 3, size: int = 5) -> Tensor:
    return torch.randn(tasks, size, dtype=torch.float64)


def test_it_starts_from_a_multiple_of_the_identity() -> None:
    start = rows()
    coupling = on_rows(Inverse(strength=1.0), start)
    torch.testing.assert_close(coupling.relation(), 0.5 * torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(coupling.cost().detach(), 2 * start.square().sum())


@pytest.mark.parametrize(("tasks", "size"), [(3, 5), (4, 2), (1, 3)])
def test_an_estimate_has_the_vectors_of_the_rows(tasks: int, size: int) -> None:
    start = rows(tasks, size)
    coupling = on_rows(Inverse(strength=1.0), start)
    coupling.estimate()
    relation = start @ start.T + torch.eye(tasks, dtype=torch.float64)
    torch.testing.assert_close(coupling.relation(), relation)
    expected = (start.T @ torch.linalg.solve(relation, start)).trace()
    torch.testing.assert_close(coupling.cost().detach(), expected)


def test_a_proximal_step_solves_its_equations() -> None:
    start = rows()
    coupling = on_rows(Inverse(strength=1.0), start)
    coupling.estimate()
    stiff = torch.linalg.inv(coupling.relation())
    coupling.prox(0.3)
    expected = torch.linalg.solve(torch.eye(3, dtype=torch.float64) + 0.6 * stiff, start)
    torch.testing.assert_close(rows_of(coupling), expected)


def test_a_relation_for_each_layer_is_that_of_its_rows() -> None:
    nets = networks("abc")
    coupling = tied(Inverse(strength=1.0, per_layer=True), nets)
    coupling.estimate()
    found = coupling.relation()
    assert found.shape == (len(coupling.names), 3, 3)
    for relation, name in zip(found, ["stem.weight", "stem.bias", "top.weight"], strict=True):
        layer = values(nets, name)
        torch.testing.assert_close(relation, layer @ layer.T + torch.eye(3, dtype=torch.float64))


def test_a_relation_by_hand_is_held_until_the_next_estimate() -> None:
    start = rows(2)
    coupling = on_rows(Inverse(strength=1.0), start)
    given = torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    coupling.set_relation(given)
    torch.testing.assert_close(coupling.relation(), given)
    expected = (start.T @ torch.linalg.inv(given) @ start).trace()
    torch.testing.assert_close(coupling.cost().detach(), expected)


@pytest.mark.parametrize(
    "relation",
    [[[1.0, 0.5], [0.4, 1.0]], [[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.0, 0.0]]],
    ids=["not symmetric", "not semi-definite", "another shape"],
)
def test_what_is_no_relation_is_refused(relation: list[list[float]]) -> None:
    coupling = on_rows(Inverse(strength=1.0), rows(2))
    with pytest.raises(ConfigError, match=r"symmetric positive semi-definite \[2, 2\]; found"):
        coupling.set_relation(torch.tensor(relation))
