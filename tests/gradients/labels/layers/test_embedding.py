"""Embeddings by label, against a loop over the tasks."""

import pytest
import torch
from torch import nn

from plait.gradients.labels.layers import embedding as module
from plait.gradients.labels.layers.embedding import embedding
from plait.gradients.labels.places import Place, Use
from tests.gradients.labels.slow import DRAWS, assert_exact, ranks_of
from tests.gradients.nets import Draw


def use_of(output: torch.Tensor, before: int, examples: int, positions: int) -> Use:
    places = [Place(before, examples, positions * width) for width in (output.shape[-1], 1)]
    return Use("embedding", output.grad_fn, {0: torch.zeros(0)}, *places)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("padding", [None, 0, 3])
@pytest.mark.parametrize("scratch", [1 << 20, 8])
def test_tokens_of_each_example(
    monkeypatch: pytest.MonkeyPatch, draw: Draw, padding: int | None, scratch: int
) -> None:
    """Also where the memory holds one column at a time."""
    monkeypatch.setattr(module, "SCRATCH", scratch)
    table = nn.Embedding(9, 4, padding_idx=padding).double()
    tokens = torch.randint(0, 7, (6, 3))
    behind = table(tokens)
    assert_exact(use_of(behind, 1, 6, 3), behind, ranks_of(draw))
    before = table(tokens.T)
    assert_exact(use_of(before, 3, 6, 1), before, ranks_of(draw))
    one = table(tokens[:, 0])
    assert_exact(use_of(one, 1, 6, 1), one, ranks_of(draw))


@pytest.mark.parametrize("options", [{"scale_grad_by_freq": True}, {"sparse": True}])
def test_a_gradient_that_is_no_plain_sum_is_not_known(options: dict[str, bool]) -> None:
    table = nn.Embedding(9, 4, **options)
    assert embedding(use_of(table(torch.tensor([[1, 2], [8, 1]])), 1, 2, 2)) is None
