"""TIES: trim, elect a sign, mean of those that agree."""

import pytest
import torch

from plait.core.errors import ConfigError
from plait.merging import average, ties
from tests.merging.states import State, like, trained


def slow(start: State, states: dict[str, State], share: float) -> State:
    """Number by number, as the formula is read."""
    names = [name for name, value in start.items() if value.is_floating_point()]
    kept: dict[str, list[float]] = {}
    for task, state in states.items():
        change = [
            float(after) - float(before)
            for name in names
            for before, after in zip(start[name].flatten(), state[name].flatten(), strict=True)
        ]
        count = max(round(share * len(change)), 1)
        least = sorted(map(abs, change), reverse=True)[count - 1]
        kept[task] = [each if abs(each) >= least else 0.0 for each in change]
    merged = []
    for several in zip(*kept.values(), strict=True):
        total = sum(several)
        agree = [each for each in several if each * total > 0]
        merged.append(sum(agree) / len(agree) if agree else 0.0)
    parts = torch.tensor(merged).split([start[name].numel() for name in names])
    return {
        name: start[name] + part.reshape(start[name].shape)
        for name, part in zip(names, parts, strict=True)
    }


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("tasks", ["a", "ab", "abcd"])
def test_it_is_the_slow_loop(tasks: str, share: float) -> None:
    start, states = trained(tasks)
    found = ties(start, states, share=share)
    for name, value in slow(start, states, share).items():
        torch.testing.assert_close(found[name], value)


def test_two_tasks_by_hand() -> None:
    """Of five each keeps two; at the last coordinate they disagree, and 4 has more mass than 3."""
    start = {"w": torch.zeros(5)}
    states = {"a": like(start, [5, 1, 1, 1, -3]), "b": like(start, [0.5, 1, 0, 2, 4])}
    assert ties(start, states, share=0.4)["w"].tolist() == [5, 0, 0, 2, 4]
    assert ties(start, states, share=0.4, strength=0.5)["w"].tolist() == [2.5, 0, 0, 1, 2]


def test_equal_masses_of_both_signs_stay_at_the_start() -> None:
    start = {"w": torch.tensor([1.0, 1.0])}
    states = {"a": like(start, [3.0, 2.0]), "b": like(start, [-1.0, 2.0])}
    assert ties(start, states, share=1.0)["w"].tolist() == [1.0, 2.0]


def test_the_share_is_of_the_whole_network() -> None:
    """A layer that has hardly moved keeps nothing, however large its share would be alone."""
    start = {"v": torch.zeros(2), "w": torch.zeros(2)}
    state = {"v": torch.tensor([0.1, 0.2]), "w": torch.tensor([1.0, 2.0])}
    found = ties(start, {"a": state}, share=0.5)
    assert found["v"].tolist() == [0, 0] and found["w"].tolist() == [1, 2]


def test_with_all_kept_and_one_sign_it_is_the_mean() -> None:
    start, states = trained()
    positive = {
        task: {n: start[n] + (v - start[n]).abs() for n, v in state.items()}
        for task, state in states.items()
    }
    found, mean = ties(start, positive, share=1.0), average(start, positive)
    for name, value in start.items():
        if value.is_floating_point():
            torch.testing.assert_close(found[name], mean[name])


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_a_share_outside_of_its_range_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="`share` must be above 0 and at most 1"):
        ties(*trained("a"), share=share)
