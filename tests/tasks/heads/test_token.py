import pytest
import torch

from plait.core.errors import ShapeError
from plait.core.features import Features, FeatureShape
from plait.tasks.heads import TokenHead


@pytest.mark.parametrize("channel_dim", [1, -1])
def test_a_token_head_is_one_network_on_each_token(channel_dim: int) -> None:
    shape = FeatureShape(((5, 6),) if channel_dim == -1 else ((6, 5),), channel_dim)
    head = TokenHead(shape, 3, hidden=[4])
    tokens = torch.randn(2, 5, 6)
    last = tokens if channel_dim == -1 else tokens.transpose(1, 2)
    out = head(Features((last,), channel_dim=channel_dim))
    slow = torch.stack([torch.stack([head.layers(token) for token in row]) for row in tokens])
    torch.testing.assert_close(out, slow)


@pytest.mark.parametrize("level", [(6,), (6, 4, 4)])
def test_a_token_head_needs_tokens(level: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"needs features for each token, \[B, N, C\]") as caught:
        TokenHead(FeatureShape((level,)), 3)
    assert f"the last level is [B, {', '.join(map(str, level))}]" in str(caught.value)
