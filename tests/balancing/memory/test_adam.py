import torch

from plait.balancing.memory.adam import TaskAdam

TASKS = ["a", "b", "c"]


def test_is_the_adam_of_torch() -> None:
    own = TaskAdam(lr=0.05, weight_decay=0.1)
    values = torch.randn(3, dtype=torch.float64)
    parameter = torch.nn.Parameter(values.clone())
    optimizer = torch.optim.Adam([parameter], lr=0.05, weight_decay=0.1)
    for _ in range(20):
        gradients = torch.randn(3, dtype=torch.float64)
        parameter.grad = gradients.clone()
        optimizer.step()
        values = own.step(TASKS, values, gradients)
        torch.testing.assert_close(values, parameter.detach(), rtol=1e-12, atol=1e-14)


def test_an_absent_task_keeps_its_moments() -> None:
    alone, joined = TaskAdam(lr=0.1), TaskAdam(lr=0.1)
    values, b = torch.zeros(3), torch.zeros(1)
    for number in range(6):
        gradients = torch.randn(3)
        if number % 2:
            values[::2] = joined.step(TASKS[::2], values[::2], gradients[::2])
        else:
            values = joined.step(TASKS, values, gradients)
            b = alone.step(["b"], b, gradients[1:2])
    assert torch.equal(values[1:2], b)


def test_the_moments_are_in_the_state() -> None:
    first, second = TaskAdam(lr=0.1), TaskAdam(lr=0.1)
    values = first.step(TASKS, torch.zeros(3), torch.randn(3))
    second.load_state_dict(first.state_dict())
    gradients = torch.randn(3)
    assert torch.equal(first.step(TASKS, values, gradients), second.step(TASKS, values, gradients))
