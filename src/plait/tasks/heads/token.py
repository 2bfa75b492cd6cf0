"""A head that predicts for every token."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from plait.core.errors import ShapeError
from plait.core.features import Features, FeatureShape
from plait.tasks.heads.mlp import mlp


class TokenHead(nn.Module):
    """Predicts for every token: `[B, N, outputs]`.

    Args:
        shape: shapes of the features; the last level is `[B, N, C]`, or `[B, C, N]` if
            `channel_dim` is 1.
        outputs: length of each token's prediction.
        hidden: widths of hidden layers.
    """

    def __init__(self, shape: FeatureShape, outputs: int, *, hidden: Sequence[int] = ()) -> None:
        super().__init__()
        if len(shape.levels[-1]) != 2:
            raise ShapeError(
                "a tagging task needs features for each token, [B, N, C]; the last level is "
                f"[B, {', '.join(map(str, shape.levels[-1]))}]. "
                "Use an encoder that keeps the tokens."
            )
        self.layers = mlp(shape.channels(), hidden, outputs)

    def forward(self, features: Features) -> Tensor:
        """Returns predictions `[B, N, outputs]`."""
        tokens = features.levels[-1]
        out: Tensor = self.layers(tokens if features.channel_dim == -1 else tokens.transpose(1, 2))
        return out
