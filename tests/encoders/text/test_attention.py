import math

import torch
from torch import nn

from plait.encoders.text import Attention, Positions


def test_it_is_the_layer_of_torch_with_norms_in_front() -> None:
    torch.manual_seed(0)
    layer = Attention(8, 0.0).double().eval()
    other = nn.TransformerEncoderLayer(
        8, 4, 32, 0.0, "gelu", batch_first=True, norm_first=True, dtype=torch.float64
    ).eval()
    with torch.no_grad():
        other.self_attn.in_proj_weight.copy_(layer.enter.weight)
        other.self_attn.in_proj_bias.copy_(layer.enter.bias.normal_())
        other.self_attn.out_proj.load_state_dict(layer.leave.state_dict())
        other.norm1.load_state_dict(layer.norm.state_dict())
        other.norm2.load_state_dict(layer.feed[0].state_dict())
        other.linear1.load_state_dict(layer.feed[1].state_dict())
        other.linear2.load_state_dict(layer.feed[3].state_dict())
    tokens = torch.randn(3, 6, 8, dtype=torch.float64)
    mask = torch.tensor([[True] * 6, [True] * 2 + [False] * 4, [False, True] * 3])
    expected = other(tokens, src_key_padding_mask=~mask)
    torch.testing.assert_close(layer(tokens, mask)[mask], expected[mask])
    torch.testing.assert_close(layer(tokens), other(tokens))


def test_a_sentence_of_padding_alone_stays_finite() -> None:
    layer = Attention(8, 0.1)
    tokens = torch.randn(2, 3, 8, requires_grad=True)
    found = layer(tokens, torch.zeros(2, 3, dtype=torch.bool))
    found.sum().backward()
    assert found.isfinite().all()
    assert tokens.grad is not None and tokens.grad.isfinite().all()
    assert layer(torch.zeros(2, 0, 8), torch.zeros(2, 0).bool()).shape == (2, 0, 8)


def test_positions_are_sines_and_cosines_counted_from_the_first_real_token() -> None:
    mask = torch.tensor([[True, True, True, False], [False, True, True, True]])
    found = Positions()(torch.zeros(2, 4, 6), mask)
    for example, start in ((0, 0), (1, 1)):
        for place in range(3):
            rates = [10_000 ** (-2 * k / 6) for k in range(3)]
            expected = [math.sin(place * f) for f in rates] + [math.cos(place * f) for f in rates]
            torch.testing.assert_close(found[example, start + place], torch.tensor(expected))
    torch.testing.assert_close(Positions()(torch.zeros(1, 4, 6))[0, :3], found[0, :3])
