"""Iso-C: a flat spectrum of the summed change of each matrix."""

import pytest
import torch

from plait.merging import average, iso_c, task_arithmetic
from tests.merging.states import State, trained


def change(found: State, start: State, name: str) -> torch.Tensor:
    return (found[name] - start[name]).double().flatten(start_dim=1)


def test_two_tasks_by_hand() -> None:
    start = {"w": torch.zeros(2, 2)}
    states = {"a": {"w": torch.diag(torch.tensor([3.0, 0.0]))}, "b": {"w": -torch.eye(2) / 2}}
    expected = torch.diag(torch.tensor([1.5, -1.5]))  # sum: diag(2.5, -0.5), mean size 1.5
    torch.testing.assert_close(iso_c(start, states)["w"], expected)
    torch.testing.assert_close(iso_c(start, states, strength=2.0)["w"], 2 * expected)


@pytest.mark.parametrize("name", ["0.weight", "3.weight", "4.weight"])
def test_the_spectrum_of_a_matrix_is_flat(name: str) -> None:
    """Kernels are the matrix [out, in k k]; the sum of the singular values stays."""
    start, states = trained(dtype=torch.float64)
    found = torch.linalg.svdvals(change(iso_c(start, states), start, name))
    summed = change(task_arithmetic(start, states, strength=1.0), start, name)
    sizes = torch.linalg.svdvals(summed)
    torch.testing.assert_close(found, sizes.mean().expand_as(found), rtol=1e-6, atol=1e-6)


def test_it_is_the_nearest_flat_matrix() -> None:
    """U V^T is the polar factor: sum @ (sum^T sum)^(-1/2) for a square matrix."""
    square = {"w": torch.zeros(3, 3, dtype=torch.float64)}
    own = {task: {"w": torch.randn(3, 3, dtype=torch.float64)} for task in "abc"}
    total = sum(state["w"] for state in own.values())
    assert isinstance(total, torch.Tensor)
    values, vectors = torch.linalg.eigh(total.T @ total)
    polar = total @ vectors @ torch.diag(values**-0.5) @ vectors.T
    torch.testing.assert_close(iso_c(square, own)["w"], values.sqrt().mean() * polar)


def test_vectors_are_averaged() -> None:
    start, states = trained()
    found, mean = iso_c(start, states), average(start, states)
    for name, value in start.items():
        if value.is_floating_point() and value.dim() < 2:
            torch.testing.assert_close(found[name], mean[name])


def test_directions_that_nobody_changed_stay() -> None:
    """Of rank one, the only direction keeps its size; rounding in the others is not blown up."""
    start = {"w": torch.randn(6, 4)}
    row, column = torch.randn(6, 1), torch.randn(1, 4)
    states = {"a": {"w": start["w"] + 1e-1 * row @ column}}
    torch.testing.assert_close(iso_c(start, states)["w"], states["a"]["w"], rtol=1e-4, atol=1e-5)


def test_rows_of_zeros_stay_zeros() -> None:
    start = {"w": torch.zeros(4, 3)}
    changed = torch.zeros(4, 3)
    changed[1:3] = torch.randn(2, 3)
    found = iso_c(start, {"a": {"w": changed}})["w"]
    assert not found[[0, 3]].abs().gt(1e-6).any()
    sizes = torch.linalg.svdvals(found)
    torch.testing.assert_close(sizes[0], sizes[1])


def test_without_any_change_it_is_the_start() -> None:
    start, _ = trained()
    found = iso_c(start, {"a": start, "b": start})
    assert all(torch.equal(found[name], value) for name, value in start.items())


def test_an_empty_matrix_stays_empty() -> None:
    start = {"w": torch.zeros(0, 3)}
    assert iso_c(start, {"a": start})["w"].shape == (0, 3)
