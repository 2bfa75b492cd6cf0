"""Lines of the log: what of a step is in them, however many tasks there are."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from plait.balancing import Balancer, Equal, UPGrad
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import Trainer
from plait.training.records import MOST_PAIRS, logs_cosines
from tests.training.problem import events


@given(st.integers(1, 400), st.integers(1, 30))
def test_a_step_has_500_cosines_on_average_or_all(tasks: int, period: int) -> None:
    pairs = tasks * (tasks - 1) // 2
    steps = 4000
    logged = [s for s in range(period, steps + 1, period) if logs_cosines(s, tasks, period)]
    if pairs <= MOST_PAIRS * period:
        assert logged == list(range(period, steps + 1, period))
    else:
        assert len(logged) >= 1
        # one step too many at the beginning, and one in the window that is not full
        assert (len(logged) - 2) * pairs <= MOST_PAIRS * steps
        assert logged[0] <= -(-pairs // MOST_PAIRS) + period


def lines(folder: Path, tasks: int, balancer: Balancer, **options: Any) -> list[dict[str, Any]]:
    """The steps of a training with so many tasks on one linear trunk."""
    names = [f"t{i}" for i in range(tasks)]
    torch.manual_seed(0)
    inputs = torch.randn(9, 4)
    model = MultiTaskModel(
        Hard(nn.Linear(4, 2)), [Regression(name) for name in names], example=inputs
    )
    batch = (inputs, {name: torch.randn(9) for name in names})
    Trainer(model, balancer, epochs=6, device="cpu", run=folder, **options).fit([batch])
    return [line for line in events(folder) if line["event"] == "step"]


@pytest.mark.parametrize(
    ("tasks", "balancer", "options", "expected"),
    [
        (32, UPGrad(), {}, [1, 2, 3, 4, 5, 6]),  # 496 pairs
        (40, UPGrad(), {}, [1, 3, 5]),  # 780 pairs
        (40, Equal(), {"measure_every": 3}, [3, 6]),
        (50, UPGrad(), {"every": 2}, [1, 5]),  # 1225 pairs; found at 1, 3 and 5
        (3, Equal(), {}, []),
    ],
)
def test_the_log_does_not_grow_with_the_square_of_the_tasks(
    tasks: int, balancer: Balancer, options: dict[str, Any], expected: list[int], tmp_path: Path
) -> None:
    found = lines(tmp_path, tasks, balancer, **options)
    logged = [line for line in found if "cosines" in line]
    assert [line["step"] for line in logged] == expected
    assert all(len(line["cosines"]) == tasks * (tasks - 1) // 2 for line in logged)
    assert all(len(line["norms"]) == tasks for line in logged)
