"""Short rows have the inner products of the gradients."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from plait.gradients.layers.short_row import Explicit, Product, Root, is_root_cheaper


def products(kind: type[Product], inputs: Tensor, outputs: Tensor, *, bias: bool) -> Tensor:
    """Inner products of the short rows of gradients `[T, N, O]` at the outputs."""
    weight = nn.Parameter(torch.empty(outputs.shape[2], inputs.shape[1]))
    parameters: list[Tensor] = [weight, nn.Parameter(torch.empty(len(weight)))]
    shape = (len(inputs), inputs.shape[1], outputs.shape[2])
    row = kind(parameters[: 1 + bias], lambda: inputs, shape, lambda gradient: gradient)
    rows = torch.full((len(outputs), row.width), torch.nan, dtype=inputs.dtype)
    for gradient, place in zip(outputs, rows, strict=True):
        row.write(gradient, place)
    return rows.double() @ rows.double().T


def slow(inputs: Tensor, outputs: Tensor, *, bias: bool) -> Tensor:
    inputs, outputs = inputs.double(), outputs.double()
    rows = (inputs.T @ outputs).flatten(1)
    if bias:
        rows = torch.cat([rows, outputs.sum(dim=1)], dim=1)
    return rows @ rows.T


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_inner_products_are_kept(
    count: int, size: int, outputs: int, bias: bool, repeat: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, size, generator=generator, dtype=torch.float64)
    if repeat:  # two equal examples: X X^T is singular
        inputs[-1] = inputs[0]
    gradients = torch.randn(3, count, outputs, generator=generator, dtype=torch.float64)
    expected = slow(inputs, gradients, bias=bias)
    for kind in (Product, Root):
        found = products(kind, inputs, gradients, bias=bias)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10 * float(expected.trace()))


@pytest.mark.parametrize("bias", [True, False])
def test_single_precision_is_that_of_a_gradient(bias: bool) -> None:
    """Gradients that nearly cancel over the examples, and inputs far from zero."""
    inputs = 3 + torch.rand(50, 200)
    gradients = torch.randn(4, 50, 6)
    gradients -= gradients.mean(dim=1, keepdim=True)
    expected = slow(inputs, gradients, bias=bias)
    for kind in (Product, Root):
        found = products(kind, inputs, gradients, bias=bias)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * float(expected.trace()))


@pytest.mark.parametrize("bias", [True, False])
def test_inputs_of_zero(bias: bool) -> None:
    gradients = torch.randn(2, 3, 4, dtype=torch.float64)
    inputs = torch.zeros(3, 9, dtype=torch.float64)
    found = products(Root, inputs, gradients, bias=bias)
    torch.testing.assert_close(found, slow(inputs, gradients, bias=bias), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_inputs_that_are_not_finite_spread(value: float) -> None:
    inputs = torch.ones(3, 9)
    inputs[1, 2] = value
    assert products(Root, inputs, torch.ones(2, 3, 4), bias=True).isnan().all()


def test_a_root_pays_for_few_examples_and_many_tasks() -> None:
    assert is_root_cheaper((10, 500, 500), tasks=10)
    assert not is_root_cheaper((500, 10, 500), tasks=10)
    assert not is_root_cheaper((500, 500, 500), tasks=100)
    assert not is_root_cheaper((400, 500, 5), tasks=1)


def test_parts_are_written_one_after_the_other() -> None:
    p = nn.Parameter(torch.zeros(2, 2))
    explicit = Explicit([p], lambda gradient: [gradient.T, gradient[0]], 6, 0.0)
    row = torch.empty(6)
    explicit.write(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), row)
    assert row.tolist() == [1, 3, 2, 4, 1, 2]


def test_a_root_that_cannot_be_found_is_found_by_eigenvalues(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where rounding leaves a product with an eigenvalue below zero."""
    inputs = torch.randn(3, 9, dtype=torch.float64)
    row = Root([torch.zeros(9, 4)], lambda: inputs, (3, 9, 4), lambda gradient: gradient)
    assert not row.recover()
    expected = row.root.T @ row.root

    def failing(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros_like(matrix), torch.tensor(2)

    monkeypatch.setattr(torch.linalg, "cholesky_ex", failing)
    row = Root([torch.zeros(9, 4)], lambda: inputs, (3, 9, 4), lambda gradient: gradient)
    assert row.root.isnan().all()
    assert row.recover()
    torch.testing.assert_close(row.root.T @ row.root, expected)
    assert not row.recover()
