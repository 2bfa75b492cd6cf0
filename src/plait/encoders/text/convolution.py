"""Context by convolutions over the tokens of a sentence."""

from __future__ import annotations

from torch import Tensor, nn


class Convolution(nn.Module):
    """A convolution over five tokens beside a shortcut.

        y_t = x_t + max(0, sum_(d=-2..2) W_d norm(x_(t+d)) + c)

    Args:
        width: C, length of a token's vector.
        dropout: share of what is added that is left out in training.

    Shapes: tokens `[B, L, C]` to `[B, L, C]`; padding is read as 0, as what is beyond the ends.

    Reference: Collobert, Weston, Bottou, Karlen, Kavukcuoglu, Kuksa, "Natural Language Processing
        (Almost) from Scratch", JMLR 12, 2011.
    """

    masked = True

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Conv1d(width, width, kernel_size=5, padding=2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the tokens with their context."""
        if not tokens.shape[1]:  # sentences without a word; torch's convolutions need one
            return tokens
        read = self.norm(tokens)
        if mask is not None:
            read = read.masked_fill(~mask.unsqueeze(-1), 0)
        out: Tensor = tokens + self.dropout(self.mix(read.mT).relu()).mT
        return out
