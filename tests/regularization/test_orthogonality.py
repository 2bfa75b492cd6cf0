"""Features of different tasks that do not repeat each other."""

from itertools import combinations

import pytest
import torch

from plait.core.errors import ConfigError, ShapeError
from plait.core.features import Features
from plait.regularization import Orthogonality
from plait.regularization.algebra.orthogonal import orthogonality
from tests.regularization.nets import model_of, train


def given(**tensors: torch.Tensor) -> dict[str, Features]:
    return {task: Features((tensor,)) for task, tensor in tensors.items()}


def test_two_tasks_by_hand() -> None:
    """Z_a^T Z_b = [1 x 3 + 2 x 1] = 5."""
    features = given(a=torch.tensor([[1.0], [2.0]]), b=torch.tensor([[3.0], [1.0]]))
    term = Orthogonality(strength=0.5, form="frobenius").term(features)
    assert term is not None
    assert (term.raw.item(), term.scaled.item()) == (25.0, 12.5)


def test_it_is_the_sum_over_the_pairs_that_a_batch_has() -> None:
    regularizer = Orthogonality(strength=1.0)
    drawn = {task: torch.randn(6, 2 + i) for i, task in enumerate("abc")}
    expected = sum(orthogonality(s, t) for s, t in combinations(drawn.values(), 2))
    torch.testing.assert_close(regularizer.cost(given(**drawn)), expected)
    two = given(a=drawn["a"], c=drawn["c"])
    torch.testing.assert_close(regularizer.cost(two), orthogonality(drawn["a"], drawn["c"]))
    assert regularizer.term(given(a=drawn["a"])) is None
    assert regularizer.term({}) is None


def test_maps_and_tokens_are_pooled() -> None:
    maps, tokens = torch.randn(4, 3, 5, 5), torch.randn(4, 7, 2)
    mask = torch.arange(7) < torch.tensor([[7], [3], [1], [5]])
    features = {
        "a": Features((maps,)),
        "b": Features((tokens,), channel_dim=-1, mask=mask),
    }
    pooled = (tokens * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
    expected = orthogonality(maps.mean(dim=(2, 3)), pooled)
    torch.testing.assert_close(Orthogonality(strength=1.0).cost(features), expected)


def test_in_training_it_lowers_what_the_tasks_have_in_common() -> None:
    batch = torch.randn(16, 3, generator=torch.Generator().manual_seed(3))
    found = []
    for strength in (0.0, 3.0):
        regularizer = Orthogonality(strength=strength)
        model = train(model_of("abc", [regularizer]), 30, lr=0.3)
        found.append(regularizer.cost(model(batch).features).item())
    assert found[1] < 0.5 * found[0]


def test_an_unknown_form_and_other_examples_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"`form` must be one of frobenius, .*; found 'cosine'"):
        Orthogonality(strength=1.0, form="cosine")
    with pytest.raises(ShapeError, match=r"found \[4, 2\] and \[5, 2\]"):
        Orthogonality(strength=1.0).cost(given(a=torch.zeros(4, 2), b=torch.zeros(5, 2)))
