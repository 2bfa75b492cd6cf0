"""Penalties by name, and their gradient beside that of the losses."""

import torch

from plait.engine.penalties import by_name, penalty_gradients


def test_one_penalty_has_no_name() -> None:
    term = torch.ones(())
    assert by_name(term) == {"": term}
    assert by_name({"ridge": term}) == {"ridge": term}
    assert by_name(None) == {}


def test_the_gradient_is_that_of_the_sum_and_the_graph_is_kept() -> None:
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    terms = {"ridge": w.square().sum(), "length": w.norm(), "constant": torch.ones(())}
    for _ in range(2):
        ((parameter, gradient),) = penalty_gradients(terms)
        assert parameter is w
        torch.testing.assert_close(gradient, torch.tensor([6.6, 8.8]))
    assert penalty_gradients({"constant": torch.ones(())}) == []
