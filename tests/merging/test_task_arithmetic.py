"""Task arithmetic: the sum of what each task has changed."""

import torch

from plait.merging import average, task_arithmetic
from tests.merging.states import like, trained


def test_two_tasks_by_hand() -> None:
    start = {"w": torch.tensor([1.0, 1.0])}
    states = {"a": like(start, [3.0, 1.0]), "b": like(start, [2.0, 0.0])}
    assert task_arithmetic(start, states, strength=1.0)["w"].tolist() == [4.0, 0.0]
    torch.testing.assert_close(task_arithmetic(start, states)["w"], torch.tensor([2.2, 0.6]))


def test_a_strength_of_one_over_the_tasks_is_the_mean() -> None:
    start, states = trained()
    found, mean = task_arithmetic(start, states, strength=1 / 3), average(start, states)
    for name, value in mean.items():
        torch.testing.assert_close(found[name], value)


def test_changes_of_different_entries_do_not_meet() -> None:
    """Orthogonal changes: with a strength of 1 each task's own entries are its own network's."""
    start, states = trained("ab")
    for task, kept in (("a", "0."), ("b", "3.")):
        states[task] = {n: v if n.startswith(kept) else start[n] for n, v in states[task].items()}
    found = task_arithmetic(start, states, strength=1.0)
    for name, value in found.items():
        own = states["a"] if name.startswith("0.") else states["b"]
        torch.testing.assert_close(value, own[name])
