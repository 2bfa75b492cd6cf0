import torch
from torch import Tensor, nn

from plait.distributed import Ranks
from plait.engine.joined_problem import JoinedProblem
from plait.engine.replicas import Replicas
from plait.engine.wholes import wholes_of


class Squares:
    """Losses of one parameter x: a = x^2 and b = 3 x to learn from, x^3 and 0 to look ahead on."""

    tasks = ("a", "b")

    def __init__(self) -> None:
        self.parameters = (nn.Parameter(torch.tensor([2.0])),)

    def train(self, parameters: tuple[Tensor, ...]) -> Tensor:
        return torch.stack([parameters[0][0] ** 2, 3 * parameters[0][0]])

    def val(self, parameters: tuple[Tensor, ...]) -> Tensor:
        return torch.stack([parameters[0][0] ** 3, torch.zeros(())])

    def virtual_step(self, parameters: object, gradient: object) -> object:
        return parameters, gradient


def joined(counts: list[dict[str, float]]) -> JoinedProblem:
    problem = Squares()
    given, names = [[each] for each in counts], ["b", "a", "c"]
    wholes = wholes_of(Ranks(), names, given)
    replicas = Replicas(Ranks(), names, given, wholes, [*problem.parameters])
    return JoinedProblem(problem, replicas)


def test_alone_it_is_the_problem_in_the_order_of_all_processes() -> None:
    found = joined([{"a": 2.0, "b": 5.0}, {"a": 1.0}])
    assert found.tasks == ("b", "a")
    torch.testing.assert_close(found.train(found.parameters), torch.tensor([6.0, 4.0]).double())
    torch.testing.assert_close(found.val(found.parameters), torch.tensor([0.0, 8.0]).double())


def test_a_loss_that_no_process_has_still_has_a_gradient() -> None:
    """Or one process would wait for the gradients of another."""
    found = joined([{"a": 2.0, "b": 5.0}, {"a": 1.0}])
    losses = found.val(found.parameters)
    for loss, slope in zip(losses, (0.0, 12.0), strict=True):
        (gradient,) = torch.autograd.grad(loss, found.parameters, retain_graph=True)
        assert gradient.tolist() == [slope]
    assert found.own_val(found.parameters).keys() == {"a"}


def test_its_own_parts_come_in_the_order_of_all_processes() -> None:
    """So that weights of the joined tasks meet their losses."""
    found = joined([{"a": 2.0, "b": 5.0}, {"a": 1.0, "b": 3.0}])
    assert [*found.own_val(found.parameters)] == ["b", "a"]


def test_a_task_of_other_processes_alone() -> None:
    found = joined([{"c": 1.0, "a": 1.0}, {"c": 1.0}])
    assert found.tasks == ("a", "c")
    assert found.train(found.parameters).tolist() == [4.0, 0.0]
    assert found.own_val(found.parameters) == {}
