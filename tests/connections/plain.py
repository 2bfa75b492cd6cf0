"""Connections that override as little as they can, and the wiring of three tasks."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from plait.connections import ForwardConnection, PenaltyConnection, StageConnection, Wiring
from plait.connections.edges.graph import Edge
from plait.core.features import FeatureShape
from plait.core.outputs import Outputs
from tests.connections.columns import TASKS


def wiring(*tasks: str, levels: Any = ((4,), (3,))) -> Wiring:
    names = tasks or TASKS
    return Wiring(names, {task: FeatureShape(levels) for task in names})


class Symmetric(StageConnection):
    symmetric = True


class Plain(StageConnection):
    """Overrides nothing."""


class Waits(ForwardConnection):
    """Overrides nothing."""


class Distance(PenaltyConnection):
    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        return (outputs[edge[0]] - outputs[edge[1]]).square().mean()


class Norm(PenaltyConnection):
    reads_outputs: ClassVar[bool] = False

    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        assert not outputs
        return torch.tensor(2.0)
