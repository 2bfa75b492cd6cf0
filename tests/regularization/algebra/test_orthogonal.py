import pytest
import torch

from plait.core.errors import ConfigError, ShapeError
from plait.regularization.algebra.orthogonal import FORMS, orthogonality


@pytest.mark.parametrize("form", FORMS)
def test_features_with_nothing_in_common_cost_nothing(form: str) -> None:
    one = torch.tensor([[1.0], [-1.0], [0.0], [0.0]])
    other = torch.tensor([[0.0], [0.0], [2.0], [-2.0]])
    assert orthogonality(one, other, form).item() == 0.0
    assert orthogonality(one, one, form).item() > 0


def test_only_the_frobenius_form_changes_with_the_scale() -> None:
    one, other = torch.randn(8, 3).double(), torch.randn(8, 2).double()
    for form, factor in (("frobenius", 100.0), ("normalised", 1.0), ("uncentred", 1.0)):
        expected = factor * orthogonality(one, other, form)
        torch.testing.assert_close(orthogonality(10 * one, other, form), expected)


def test_only_the_normalised_form_ignores_an_offset() -> None:
    one, other = torch.randn(8, 3).double(), torch.randn(8, 2).double()
    for form in FORMS:
        moved = orthogonality(one + 1.5, other, form)
        assert torch.allclose(moved, orthogonality(one, other, form)) == (form == "normalised")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("batch", "p", "q"), [(2, 5, 7), (3, 9, 8), (9, 3, 4), (5, 6, 1)])
def test_value_and_gradients_are_those_of_the_loop(form: str, batch: int, p: int, q: int) -> None:
    """Of few examples with many features, and of many examples."""
    one, other = (torch.randn(batch, n).double().requires_grad_() for n in (p, q))
    s, h = one, other
    if form == "normalised":
        s, h = s - s.mean(0), h - h.mean(0)
    if form != "frobenius":
        s, h = (rows / rows.norm(dim=1, keepdim=True) for rows in (s, h))
    slow = sum((s[:, j] @ h[:, k]) ** 2 for j in range(p) for k in range(q))
    slow = slow if form == "frobenius" else slow / (p * q)
    found = orthogonality(one, other, form)
    torch.testing.assert_close(found, slow)
    ours, theirs = (torch.autograd.grad(each, (one, other)) for each in (found, slow))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("form", FORMS)
def test_one_example_and_empty_rows_have_finite_gradients(form: str) -> None:
    for batch in (1, 3):
        one = torch.zeros(batch, 2, requires_grad=True)
        other = torch.ones(batch, 2, requires_grad=True)
        gradients = torch.autograd.grad(orthogonality(one, other, form), (one, other))
        assert all(gradient.isfinite().all() for gradient in gradients)


def test_half_precision_is_computed_in_float32() -> None:
    features = 300 * torch.ones(4, 2, dtype=torch.float16)
    found = orthogonality(features, features, "frobenius")
    assert found.dtype == torch.float32
    assert found.isfinite()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="`form` must be one of frobenius"):
        orthogonality(torch.zeros(2, 2), torch.zeros(2, 2), "l2")
    with pytest.raises(ShapeError, match=r"found \[2, 3, 4\] and \[2, 2\]. Pool maps"):
        orthogonality(torch.zeros(2, 3, 4), torch.zeros(2, 2))
