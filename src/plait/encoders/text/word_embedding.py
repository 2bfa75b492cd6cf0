"""Words as vectors, with the vectors of their parts in them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ShapeError


class WordEmbedding(nn.Module):
    """The vector of a word plus those of its parts.

        v(w) = u_w + sum_p h_p,    code 0: no vector

    Parts are prefixes, suffixes and the shape of a word, each hashed into one of `pieces` rows, so
    that a word which was never seen still has the vectors of its parts.

    Args:
        codes: how many codes of words there are, those of padding and of unseen words included.
        pieces: rows for the parts of words; 0 for none.
        width: length of a vector.

    Shapes: codes `[B, L, 1 + P]`, that of the word and those of its P parts, to `[B, L, width]`.

    Raises:
        ShapeError: the codes are not whole numbers of this shape, or have parts where `pieces` is
            0.

    Cost: one sum of 1 + P rows of one table for each token.

    Reference: Bojanowski, Grave, Joulin, Mikolov, "Enriching Word Vectors with Subword
        Information", TACL 5, 2017.
    """

    def __init__(self, codes: int, pieces: int, width: int) -> None:
        super().__init__()
        self.codes = codes
        self.pieces = pieces
        self.table = nn.Parameter(torch.empty(codes + pieces, width))  # words, then parts
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new vectors, so that the sum of a word and eight parts has a variance of 1."""
        nn.init.normal_(self.table, std=1 / 3 if self.pieces else 1.0)
        with torch.no_grad():
            self.table[0].zero_()

    def forward(self, codes: Tensor) -> Tensor:
        """Returns the vectors of the words."""
        self._check(codes)
        if self.pieces:
            words, parts = codes[..., :1], codes[..., 1:]
            rows = torch.cat([words, torch.where(parts > 0, parts + (self.codes - 1), 0)], dim=-1)
            vectors = F.embedding_bag(rows.flatten(0, 1), self.table, mode="sum", padding_idx=0)
            return vectors.view(*codes.shape[:2], self.table.shape[1])
        return F.embedding(codes.squeeze(-1), self.table, padding_idx=0)

    def _check(self, codes: Tensor) -> None:
        whole = not (codes.is_floating_point() or codes.dtype == torch.bool)
        if codes.dim() == 3 and whole and (self.pieces or codes.shape[2] == 1):
            return
        parts = "1 + the number of parts of a word" if self.pieces else "1"
        raise ShapeError(
            f"codes of words must be whole numbers [B, L, {parts}]; found {list(codes.shape)} of "
            f"{str(codes.dtype).removeprefix('torch.')}. "
            + (
                "Give the encoder `pieces`, the number of rows for parts of words."
                if codes.dim() == 3 and whole
                else "Is this a column of texts?"
            )
        )
