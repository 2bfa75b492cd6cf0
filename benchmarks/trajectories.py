"""Writes `tests/reference/trajectories.json`: small trainings by TorchJD, to compare with.

Needs `benchmarks/requirements.txt`; not part of `make bench`. From the root of the repository:

    python -m benchmarks.trajectories
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

FILE = Path(__file__).parents[1] / "tests" / "reference" / "trajectories.json"
STEPS, LEARNING_RATE = 50, 0.05
ORDERS = [[1, 2], [2, 0], [0, 1]]  # of PCGrad, the same in every step


class Net(nn.Module):
    """Two shared layers and three heads, in double precision."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh())
        self.heads = nn.ModuleList(nn.Linear(8, 1) for _ in range(3))
        self.double()


def methods() -> dict[str, tuple[Any, float]]:
    """Returns TorchJD's aggregators, without their absolute epsilons, and a factor for each.

    AlignedMTL divides by the number of tasks, which the authors' code does not.
    """
    from torchjd.aggregation import IMTLG, AlignedMTL, CAGrad, PCGrad, UPGrad
    from torchjd.linalg import QuadprogProjector

    exact = QuadprogProjector(norm_eps=0.0, reg_eps=0.0)
    return {
        "AlignedMTL": (AlignedMTL(), 3.0),
        "CAGrad": (CAGrad(c=0.4, norm_eps=0.0), 1.0),
        "IMTLG": (IMTLG(), 1.0),
        "PCGrad": (PCGrad(), 1.0),
        "UPGrad": (UPGrad(projector=exact), 1.0),
    }


def train(aggregator: Any, factor: float, net: Net, inputs: Tensor, labels: Tensor) -> None:
    """Takes the steps; heads get the gradient of their own loss."""
    from torchjd.autojac import jac_to_grad, mtl_backward

    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        features = net.trunk(inputs)
        losses = [
            (head(features)[:, 0] - labels[:, task]).square().mean()
            for task, head in enumerate(net.heads)
        ]
        mtl_backward(losses, features)
        jac_to_grad(net.trunk.parameters(), aggregator)
        for parameter in net.trunk.parameters():
            parameter.grad *= factor
        optimizer.step()


def main() -> None:
    """Trains with each method, and writes start, data and end."""
    torch.manual_seed(0)
    inputs = torch.randn(16, 6, dtype=torch.float64)
    labels = torch.randn(16, 3, dtype=torch.float64) + inputs[:, :1] * torch.tensor([3, -2, 1])
    start = Net().state_dict()
    turns = [torch.tensor([task, *others]) for task, others in enumerate(ORDERS)]
    ends = {}
    for name, (aggregator, factor) in methods().items():
        net = Net()
        net.load_state_dict(start)
        with patch("torch.randperm", side_effect=turns * STEPS):
            train(aggregator, factor, net, inputs, labels)
        ends[name] = plain(net.state_dict())
    found = {
        "source": f"torchjd {importlib.metadata.version('torchjd')}, torch {torch.__version__}",
        "definition": "SGD on mean squared errors; trunk gradient aggregated, heads their own",
        "steps": STEPS,
        "learning_rate": LEARNING_RATE,
        "orders": ORDERS,
        "inputs": inputs.tolist(),
        "labels": labels.tolist(),
        "start": plain(start),
        "ends": ends,
    }
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def plain(state: dict[str, Tensor]) -> dict[str, Any]:
    """Returns a state as lists of numbers."""
    return {name: value.tolist() for name, value in state.items()}


if __name__ == "__main__":
    main()
