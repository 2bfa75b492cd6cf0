"""Gradients at a representation that the tasks share."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.gradients import Cut, FeatureGradients
from tests.gradients.nets import Losses


def test_a_cut_leaf_has_the_value_and_no_history() -> None:
    w = torch.ones(2, requires_grad=True)
    cut, tensor = Cut(), w * 3
    leaf = cut(tensor)
    assert leaf.is_leaf and leaf.requires_grad
    assert torch.equal(leaf, tensor)
    assert leaf.data_ptr() == tensor.data_ptr()  # no copy
    assert cut(tensor) is leaf
    assert cut(tensor * 1) is not leaf
    assert len(cut.pairs) == 2
    assert cut.tensors[0] is tensor
    assert torch.autograd.grad((leaf * w).sum(), w)[0].tolist() == [3.0, 3.0]


def test_a_cut_tensor_need_not_have_a_gradient() -> None:
    """As behind a frozen encoder."""
    head = nn.Parameter(torch.randn(2))
    cut = Cut()
    leaf = cut(torch.tensor([1.0, 2.0]))
    losses = {"a": (leaf * head).sum(), "b": leaf.sum()}
    found = FeatureGradients(losses, cut, {id(head)})
    rows = torch.stack([head.detach(), torch.ones(2)])
    torch.testing.assert_close(found.multiply(), (rows @ rows.T).double())
    assert found.trunk(torch.ones(2), [head]) == []


class Case:
    """Two features and what is above and below them; c reads the first feature alone."""

    def __init__(self) -> None:
        self.w, self.a, self.b = (
            nn.Parameter(torch.randn(4, dtype=torch.float64)) for _ in range(3)
        )
        self.features = [self.w * 2, self.w.square()]

    def losses(self, features: Sequence[Tensor]) -> Losses:
        one, two = features
        return {
            "a": (one * two * self.a).sum(),
            "b": (one + two.tanh() * self.b).square().sum(),
            "c": one.sum(),
        }

    def rows(self) -> Tensor:
        leaves = [feature.detach().requires_grad_() for feature in self.features]
        found = []
        for loss in self.losses(leaves).values():
            each = torch.autograd.grad(loss, leaves, allow_unused=True)
            found.append(torch.cat([torch.zeros(4) if g is None else g for g in each]).double())
        return torch.stack(found)


@pytest.mark.parametrize("with_cut", [True, False])
def test_the_parts_add_up_to_the_gradient(with_cut: bool) -> None:
    case, cut = Case(), Cut()
    rows = case.rows()
    read = [cut(feature) for feature in case.features] if with_cut else case.features
    candidates = {id(case.w), id(case.a), id(case.b)}
    found = FeatureGradients(case.losses(read), cut if with_cut else case.features, candidates)
    torch.testing.assert_close(found.multiply(), rows @ rows.T)
    assert found.dtype == torch.float64
    expected = torch.autograd.grad(case.losses(case.features)["a"], case.a, retain_graph=True)[0]
    own = {(id(p), task): gradient for p, task, gradient in found.own}
    assert own.keys() == {(id(case.a), "a"), (id(case.b), "b")}
    torch.testing.assert_close(own[id(case.a), "a"], expected)

    weights = torch.tensor([0.5, 2.0, -1.0], dtype=torch.float64)
    direction = (weights @ rows).split(4)
    ((parameter, gradient),) = found.trunk(weights, [case.w, case.a])
    assert parameter is case.w
    w = case.w.detach()
    torch.testing.assert_close(gradient, direction[0] * 2 + direction[1] * 2 * w)


def test_parameters_that_are_no_candidates_are_left_alone() -> None:
    """One that two tasks share around the features does not disturb then."""
    case = Case()
    outside = nn.Parameter(torch.randn(4, dtype=torch.float64))
    losses = {
        task: loss + (outside * case.features[0]).sum()
        for task, loss in case.losses(case.features).items()
    }
    candidates = {id(case.w), id(case.a), id(case.b)}
    found = FeatureGradients(losses, case.features, candidates)
    assert {id(parameter) for parameter, _, _ in found.own} == {id(case.a), id(case.b)}
    with pytest.raises(ConfigError, match=r"a parameter \[4\] .* reached around the features"):
        FeatureGradients(losses, case.features, {*candidates, id(outside)})


def test_no_weight_and_no_parameter_is_no_gradient() -> None:
    case = Case()
    candidates = {id(case.w), id(case.a), id(case.b)}
    found = FeatureGradients(case.losses(case.features), case.features, candidates)
    assert found.trunk(torch.ones(3), []) == []
