"""Trainings of 50 steps end where those of TorchJD end, where TorchJD is right.

`benchmarks/trajectories.py` made the file. Where TorchJD is wrong, the golden values are exact
ones, and the last test makes sure that they are met there.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from plait.balancing import IMTLG, AlignedMTL, CAGrad, GramianBalancer, PCGrad, UPGrad
from plait.engine import Backward
from tests.balancing.adapters import METHODS as ADAPTERS
from tests.balancing.adapters.files import FILES, Case

REFERENCE = Path(__file__).parents[1] / "reference"
GOLDEN = json.loads((REFERENCE / "trajectories.json").read_text(encoding="utf-8"))


class Ordered(PCGrad):
    """Visits the tasks in the same order in every step."""

    def solve(self, *args: Any, **draws: Any) -> np.ndarray:
        return super().solve(*args, orders=GOLDEN["orders"], **draws)


METHODS: dict[str, Callable[[], GramianBalancer]] = {
    "AlignedMTL": AlignedMTL,
    "CAGrad": lambda: CAGrad(c=0.4, rescale=0),
    "IMTLG": IMTLG,
    "PCGrad": Ordered,
    "UPGrad": UPGrad,
}


def train(balancer: GramianBalancer, route: Any) -> dict[str, torch.Tensor]:
    inputs, labels = (torch.tensor(GOLDEN[k], dtype=torch.float64) for k in ("inputs", "labels"))
    trunk = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh())
    heads = nn.ModuleList(nn.Linear(8, 1) for _ in range(3))
    net = nn.ModuleDict({"trunk": trunk, "heads": heads}).double()
    start = GOLDEN["start"]
    net.load_state_dict({n: torch.tensor(v, dtype=torch.float64) for n, v in start.items()})
    backward = Backward(balancer, net, scale="paper", route=route)
    optimizer = torch.optim.SGD(net.parameters(), lr=GOLDEN["learning_rate"])
    for _ in range(GOLDEN["steps"]):
        optimizer.zero_grad()
        features = trunk(inputs)
        backward(
            {
                str(task): (head(features)[:, 0] - labels[:, task]).square().mean()
                for task, head in enumerate(heads)
            }
        )
        optimizer.step()
    return net.state_dict()


@pytest.mark.reference
@pytest.mark.parametrize("route", ["rows", "layers"])
@pytest.mark.parametrize("name", GOLDEN["ends"])
def test_ends_where_torchjd_ends(name: str, route: str) -> None:
    found = train(METHODS[name](), route)
    start, end = GOLDEN["start"], GOLDEN["ends"][name]
    assert found.keys() == end.keys()
    for key, value in found.items():
        expected = torch.tensor(end[key], dtype=torch.float64)
        assert (expected - torch.tensor(start[key])).abs().max() > 1e-2, "it has moved"
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-5)


def is_wrong(case: Case) -> bool:
    """Whether TorchJD is off by more than a thousandth, selects other tasks, or fails."""
    peer = case.get("peers", {}).get("torchjd", {})
    error = peer.get("rel_err", 0.0)
    off = not isinstance(error, float) or not error <= 1e-3
    return "error" in peer or off or case.get("torchjd_agrees") is False


WRONG = [
    pytest.param(file, case, id=f"{name}-{case['id']}")
    for name, file in FILES.items()
    for case in file.get("cases", ())
    if is_wrong(case)
]


@pytest.mark.reference
@pytest.mark.parametrize(("file", "case"), WRONG)
def test_exact_values_where_torchjd_is_wrong(file: Case, case: Case) -> None:
    ADAPTERS[file["method"]]({k: v for k, v in file.items() if k != "cases"}, case)
