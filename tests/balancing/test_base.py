"""What the base tells a Gramian method."""

from typing import Any

import numpy as np
import torch

from plait.balancing import GramianBalancer, Info


class Listens(GramianBalancer):
    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        self.heard = [*getattr(self, "heard", []), info]
        return np.ones(len(gramian))


def test_leading_axes_are_numbered_from_the_group_of_the_call() -> None:
    balancer = Listens()
    balancer.weights(torch.eye(2).expand(3, 2, 2))
    assert [info.group for info in balancer.heard] == [0, 1, 2]
    balancer.weights(torch.eye(2).expand(2, 2, 2), Info(("a", "b"), group=3))
    assert [info.group for info in balancer.heard[3:]] == [3, 4]


def test_tasks_have_names_in_a_call_by_hand() -> None:
    balancer = Listens()
    balancer.weights(torch.eye(2))
    balancer.weights(torch.eye(2), Info(losses=torch.ones(2)))
    balancer.weights(torch.eye(2), Info(("a", "b")))
    assert [info.tasks for info in balancer.heard] == [("0", "1"), ("0", "1"), ("a", "b")]
    assert balancer.heard[0].dtype == torch.float32
