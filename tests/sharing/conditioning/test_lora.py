"""Updates of low rank."""

import copy

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.sharing.conditioning import LoRA
from tests.sharing.conditioning.trunks import Conditioned


@pytest.mark.parametrize(("alpha", "scale"), [(None, 1.0), (6.0, 3.0)])
def test_it_is_the_layer_with_the_sum_of_the_weights(alpha: float | None, scale: float) -> None:
    base, x = nn.Linear(4, 3), torch.randn(2, 4)
    made = Conditioned(LoRA(rank=2, alpha=alpha), base)
    assert torch.equal(made("a", x), base(x))
    made.stir()
    down, up = (made.own(0).get_parameter(name)[0] for name in ("down", "up"))
    changed = copy.deepcopy(base)
    with torch.no_grad():
        changed.weight += scale * up @ down
    torch.testing.assert_close(made("a", x), changed(x))


def test_all_projections_of_an_attention_have_one() -> None:
    base = nn.MultiheadAttention(4, 2)
    made = Conditioned(LoRA(rank=1), base)
    x = torch.randn(3, 2, 4)
    made.stir()
    changed = copy.deepcopy(base)
    packed, out = (made.own(0).get_submodule(name) for name in ("0", "1"))
    with torch.no_grad():
        for block in range(3):  # queries, keys and values have each a product of rank 1
            product = packed.get_parameter("up")[block] @ packed.get_parameter("down")[block]
            changed.in_proj_weight[4 * block : 4 * (block + 1)] += product
        changed.out_proj.weight += out.get_parameter("up")[0] @ out.get_parameter("down")[0]
    with made.active.running("a"):
        found, _ = made.layer(x, x, x)
    torch.testing.assert_close(found, changed(x, x, x)[0])


def test_the_rank_is_checked() -> None:
    with pytest.raises(ConfigError, match="`rank` must be at least 1; found 0"):
        LoRA(rank=0)
