import torch

from plait.encoders.text import Convolution


def test_it_reads_two_tokens_on_each_side_and_padding_as_zero() -> None:
    torch.manual_seed(0)
    layer = Convolution(3, 0.0).double()
    tokens = torch.randn(2, 7, 3, dtype=torch.float64)
    mask = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
    found = layer(tokens, mask)
    weight, bias = layer.mix.weight, layer.mix.bias
    for b, length in ((0, 7), (1, 4)):
        for t in range(length):
            total = bias.clone()
            for d in range(-2, 3):
                if 0 <= t + d < length:
                    total += weight[:, :, d + 2] @ layer.norm(tokens[b, t + d])
            torch.testing.assert_close(found[b, t], tokens[b, t] + total.relu())


def test_sentences_without_a_word_stay_empty() -> None:
    assert Convolution(3, 0.0)(torch.zeros(2, 0, 3), torch.zeros(2, 0).bool()).shape == (2, 0, 3)
