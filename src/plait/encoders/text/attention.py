"""Context by attention among the tokens of a sentence."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEADS = 4


class Positions(nn.Module):
    """Adds to each token where it stands in its sentence, as sines and cosines.

        p(t) = [sin(t f_0), ..., cos(t f_0), ...],    f_k = 10000^(-2 k / C)

    The first real token stands at 0, wherever the padding is.

    Shapes: tokens `[B, L, C]` to `[B, L, C]`, C an even number.
    """

    masked = True

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the tokens with their positions."""
        if mask is None:
            place = torch.arange(tokens.shape[1], device=tokens.device).unsqueeze(0)
        else:
            place = mask.cumsum(dim=1) - 1
        half = tokens.shape[2] // 2
        rates = torch.arange(half, device=tokens.device) * (-math.log(10_000) / half)
        angles = place.unsqueeze(-1) * rates.exp()
        return tokens + torch.cat([angles.sin(), angles.cos()], dim=-1).to(tokens.dtype)


class Attention(nn.Module):
    """A layer of a transformer: attention of four heads and two linear layers, each on a norm.

        y = x + A(norm(x)),    z = y + W_2 gelu(W_1 norm(y))

    Args:
        width: C, length of a token's vector; a multiple of 4.
        dropout: share of what each half adds that is left out in training.

    Shapes: tokens `[B, L, C]` to `[B, L, C]`. Padding is not attended to; a sentence without a
        real token attends to all of it, so that nothing is divided by 0.

    References: Vaswani et al., "Attention Is All You Need", NeurIPS 2017; norms in front: Xiong et
        al., "On Layer Normalization in the Transformer Architecture", ICML 2020.
    """

    masked = True

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.feed = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the tokens with their context."""
        read = self.enter(self.norm(tokens)).unflatten(-1, (3, HEADS, -1))
        query, key, value = read.movedim(1, -2).unbind(dim=1)  # [B, heads, L, C / heads] each
        seen = None if mask is None else (mask | ~mask.any(dim=1, keepdim=True))[:, None, None]
        heads = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        tokens = tokens + self.dropout(self.leave(heads.transpose(1, 2).flatten(2)))
        out: Tensor = tokens + self.feed(tokens)
        return out
