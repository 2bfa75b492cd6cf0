"""Changes since a common start: alike states alone, in float64, rounded once."""

import math

import pytest
import torch

from plait.core.errors import ConfigError, NonFiniteError, UnsupportedError
from plait.merging import average, iso_c, task_arithmetic, ties
from plait.merging.changes import changes_of, moved
from tests.merging.states import trained

METHODS = (average, task_arithmetic, ties, iso_c)


def test_changes_are_exact_differences() -> None:
    start, states = trained("ab", torch.bfloat16)
    found = changes_of(start, states)
    assert "1.num_batches_tracked" not in found
    for name, each in found.items():
        assert each.dtype == torch.float64
        for number, task in enumerate("ab"):
            assert torch.equal(each[number], states[task][name].double() - start[name].double())


@pytest.mark.parametrize("method", METHODS)
def test_the_result_is_like_the_start(method: object) -> None:
    start, states = trained("ab", torch.bfloat16)
    found = method(start, states)  # type: ignore[operator]
    assert list(found) == list(start)
    assert {n: (v.shape, v.dtype) for n, v in found.items()} == {
        n: (v.shape, v.dtype) for n, v in start.items()
    }
    assert found["1.num_batches_tracked"] == states["a"]["1.num_batches_tracked"] == 3


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_shared_with_what_was_given(method: object) -> None:
    start, states = trained("ab")
    before = {name: value.clone() for name, value in start.items()}
    own = {name: value.clone() for name, value in states["a"].items()}
    for value in method(start, states).values():  # type: ignore[operator]
        value.fill_(7)
    assert all(torch.equal(start[name], value) for name, value in before.items())
    assert all(torch.equal(states["a"][name], value) for name, value in own.items())


@pytest.mark.parametrize("method", METHODS)
def test_a_strength_of_zero_is_the_start(method: object) -> None:
    start, states = trained()
    found = method(start, states, strength=0.0)  # type: ignore[operator]
    assert all(torch.equal(found[n], v) for n, v in start.items() if v.is_floating_point())


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_the_tasks_does_not_matter(method: object) -> None:
    start, states = trained()
    turned = dict(reversed(states.items()))
    found, other = method(start, states), method(start, turned)  # type: ignore[operator]
    floating = [name for name, value in start.items() if value.is_floating_point()]
    for name in floating:
        torch.testing.assert_close(found[name], other[name])


@pytest.mark.parametrize("method", METHODS)
def test_gradients_do_not_flow(method: object) -> None:
    start, states = trained("ab")
    for state in (start, *states.values()):
        for value in state.values():
            value.requires_grad_(value.is_floating_point())
    found = method(start, states)  # type: ignore[operator]
    assert not any(value.requires_grad for value in found.values())


def test_sums_are_formed_in_float64() -> None:
    """In bfloat16, 256 + 1 is 256: the sum of 16 changes would be lost one by one."""
    start = {"w": torch.tensor([256.0], dtype=torch.bfloat16)}
    states = {str(n): {"w": torch.tensor([258.0], dtype=torch.bfloat16)} for n in range(8)}
    assert task_arithmetic(start, states, strength=1.0)["w"] == 272.0
    tiny = {str(n): {"w": torch.tensor([1.0 + 2.0**-7], dtype=torch.bfloat16)} for n in range(8)}
    one = {"w": torch.tensor([1.0], dtype=torch.bfloat16)}
    assert task_arithmetic(one, tiny, strength=1.0)["w"] == 1.0 + 2.0**-4


def test_infinite_entries_that_no_task_changes_stay() -> None:
    mask = torch.tensor([0.0, -math.inf])
    start, states = {"mask": mask}, {"a": {"mask": mask.clone()}}
    for method in METHODS:
        assert torch.equal(method(start, states)["mask"], mask)


def test_entries_that_are_not_finite_are_refused() -> None:
    start, states = trained("ab")
    states["b"]["3.bias"][1] = math.nan
    with pytest.raises(NonFiniteError, match=r"'3.bias' of task 'b' is not finite"):
        average(start, states)


def test_a_missing_and_an_unknown_entry_are_refused() -> None:
    start, states = trained("ab")
    lost = states["b"].pop("3.bias")
    with pytest.raises(
        UnsupportedError, match=r"not mergeable: '3.bias' is missing in the network"
    ):
        average(start, states)
    states["b"] |= {"3.bias": lost, "more": lost}
    with pytest.raises(UnsupportedError, match="not mergeable: 'more' is missing in the common"):
        average(start, states)


@pytest.mark.parametrize(
    "other",
    [
        torch.zeros(4),
        torch.zeros(5, dtype=torch.float64),
        torch.zeros(5, dtype=torch.int64),
        torch.zeros(5).to_sparse(),
        "no tensor",
    ],
    ids=str,
)
def test_an_entry_of_another_form_is_refused(other: object) -> None:
    start, states = trained("ab")
    states["b"]["3.bias"] = other  # type: ignore[assignment]
    with pytest.raises(UnsupportedError, match=r"not mergeable: '3.bias' .* of task 'b'"):
        average(start, states)


def test_entries_without_numbers_are_refused_even_if_alike() -> None:
    for each in ("text", torch.zeros(2).to_sparse(), torch.zeros(2, dtype=torch.complex64)):
        with pytest.raises(UnsupportedError, match="not mergeable: 'w' must be a dense tensor"):
            average({"w": each}, {"a": {"w": each}})  # type: ignore[dict-item]


def test_no_network_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one network; found none"):
        average({}, {})


@pytest.mark.parametrize("strength", [math.nan, math.inf, True])
def test_a_strength_must_be_finite(strength: float) -> None:
    with pytest.raises(ConfigError, match="`strength` must be a finite number"):
        moved({}, {"a": {}}, {}, strength)


def test_a_state_without_entries_stays_empty() -> None:
    assert all(method({}, {"a": {}}) == {} for method in METHODS)
