"""What a method that takes the tasks in turn makes of a call by hand."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from plait.balancing import Info
from plait.balancing.bases.in_turn import InTurnBalancer
from plait.core.errors import ShapeError


class Last(InTurnBalancer):
    """Follows the last of the tasks, and notes what it was given."""

    def turns(self, tasks: Sequence[str], taken: int = 0) -> tuple[str, ...]:
        return tuple(tasks[-1:])

    def follow(
        self,
        jacobian: Tensor,
        turns: Sequence[str],
        info: Info,
        *,
        scale: float = 1.0,
        idle: Sequence[slice] = (),
    ) -> Tensor:
        self.given = jacobian.tolist(), tuple(turns), info.tasks
        return jacobian.sum(dim=0)


def test_the_rows_of_those_whose_turn_it_is_are_read() -> None:
    balancer = Last()
    found = balancer.combine(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), Info(("a", "b")))
    assert found.tolist() == [3.0, 4.0]
    assert balancer.given == ([[3.0, 4.0]], ("b",), ("a", "b"))


def test_without_names_the_rows_are_numbered() -> None:
    balancer = Last()
    balancer.combine(torch.zeros(3, 1))
    assert balancer.given == ([[0.0]], ("2",), ("0", "1", "2"))
    with pytest.raises(ShapeError, match="one row for each of the tasks"):
        balancer.combine(torch.zeros(2, 1), Info(("a",)))
