"""The mean of several networks."""

import torch

from plait.merging import average
from tests.merging.states import like, trained


def test_two_tasks_by_hand() -> None:
    start = {"w": torch.tensor([1.0, 1.0])}
    states = {"a": like(start, [3.0, 1.0]), "b": like(start, [1.0, 0.0])}
    assert average(start, states)["w"].tolist() == [2.0, 0.5]
    assert average(start, states, strength=2.0)["w"].tolist() == [3.0, 0.0]


def test_it_is_the_mean_of_the_networks() -> None:
    start, states = trained()
    found = average(start, states)
    for name, value in start.items():
        if value.is_floating_point():
            mean = torch.stack([state[name].double() for state in states.values()]).mean(dim=0)
            torch.testing.assert_close(found[name], mean.float())


def test_equal_networks_are_their_mean() -> None:
    start, states = trained("a")
    found = average(start, dict.fromkeys("abc", states["a"]))
    for name, value in states["a"].items():
        torch.testing.assert_close(found[name], value, rtol=1e-6, atol=1e-6)
