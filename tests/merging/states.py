"""Small networks that were trained from one start, as states."""

import torch
from torch import Tensor, nn

State = dict[str, Tensor]


def network() -> nn.Module:
    """Has a kernel, matrices, vectors, running statistics and a count of batches."""
    return nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 5), nn.Linear(5, 2)
    )


def trained(
    tasks: str = "abc", dtype: torch.dtype = torch.float32
) -> tuple[State, dict[str, State]]:
    """A start, and a state for each task with random changes in all floating entries."""
    start = {name: value.clone() for name, value in network().state_dict().items()}
    start = {n: v.to(dtype) if v.is_floating_point() else v for n, v in start.items()}
    states = {
        task: {
            name: value + torch.randn(value.shape).to(dtype)
            if value.is_floating_point()
            else value + number
            for name, value in start.items()
        }
        for number, task in enumerate(tasks, start=3)
    }
    return start, states


def like(start: State, values: list[float]) -> State:
    """A state with other values in its only entry."""
    ((name, first),) = start.items()
    return {name: torch.tensor(values, dtype=first.dtype).reshape(first.shape)}
