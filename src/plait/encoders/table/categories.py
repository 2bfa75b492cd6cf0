"""Categories of a table: codes, their vectors, and one input for each value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from plait.core.columns import FIRST, MISSING, UNSEEN
from plait.encoders.table.row import Category

WIDEST = 32  # numbers of a category's vector


class Codes(nn.Module):
    """Reads the codes of categories; one that the category does not have counts as unseen.

    Args:
        categories: of the row, C.

    Shapes: rows `[B, F]` to whole numbers `[B, C]`.
    """

    entries: Tensor
    codes: Tensor

    def __init__(self, categories: Sequence[Category]) -> None:
        super().__init__()
        entries = torch.tensor([c.entry for c in categories], dtype=torch.long)
        codes = torch.tensor([c.codes for c in categories], dtype=torch.long)
        self.register_buffer("entries", entries, persistent=False)
        self.register_buffer("codes", codes, persistent=False)

    def forward(self, rows: Tensor) -> Tensor:
        """Returns the codes."""
        found = torch.nan_to_num(rows.index_select(1, self.entries), nan=MISSING).long()
        return torch.where((found < 0) | (found >= self.codes), UNSEEN, found)


def width_of(codes: int) -> int:
    """Returns the length of the vectors of a category with so many codes.

    It is the smallest power of two that is not below the square root of the codes, at most 32.

    Example:
        >>> [width_of(codes) for codes in (3, 4, 10, 100, 10_000)]
        [2, 2, 4, 16, 32]
    """
    return min(WIDEST, 1 << math.ceil(math.log2(codes) / 2))


class CategoryEmbedding(nn.Module):
    """A learned vector for each value of each category; its length is `width_of` the codes.

    Vectors begin with a length of about 1, those of missing and unseen values with 0: unless the
    training rows have such values, they say nothing of a new row that does.

    Args:
        categories: of the row, C.

    Attributes:
        outputs: D, the lengths of all vectors of a row in sum.

    Shapes: codes `[B, C]` to `[B, D]`; categories of equal length stand together, short ones first.

    Cost: one look-up for each length, not for each category.
    """

    def __init__(self, categories: Sequence[Category]) -> None:
        super().__init__()
        widths = [width_of(category.codes) for category in categories]
        self.outputs = sum(widths)
        self.tables = nn.ModuleList(
            Vectors(
                [place for place, each in enumerate(widths) if each == width],
                [c.codes for c, each in zip(categories, widths, strict=True) if each == width],
                width,
            )
            for width in sorted(set(widths))
        )

    def forward(self, codes: Tensor) -> Tensor:
        """Returns the vectors of a row, one after the other."""
        return torch.cat([table(codes) for table in self.tables], dim=1)


class Vectors(nn.Module):
    """The vectors of all categories of one length, in one table.

    Args:
        places: of these categories among all.
        codes: how many each has.
        width: length of a vector.
    """

    places: Tensor
    first: Tensor

    def __init__(self, places: Sequence[int], codes: Sequence[int], width: int) -> None:
        super().__init__()
        first = list(accumulate(codes, initial=0))
        self.register_buffer("places", torch.tensor(places), persistent=False)
        self.register_buffer("first", torch.tensor(first[:-1]), persistent=False)
        self.weight = nn.Parameter(torch.empty(first[-1], width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new vectors, but for missing and unseen values."""
        nn.init.normal_(self.weight, std=self.weight.shape[1] ** -0.5)
        with torch.no_grad():
            for code in (MISSING, UNSEEN):
                self.weight[self.first + code] = 0

    def forward(self, codes: Tensor) -> Tensor:
        """Returns the vectors, one after the other."""
        rows = codes.index_select(1, self.places) + self.first
        return nn.functional.embedding(rows, self.weight).flatten(1)


class OneHot(nn.Module):
    """One input for each value of each category that has few: 1 for the row's value, else 0.

    Args:
        categories: of the row, C.
        most: values up to which a category takes part.

    Attributes:
        outputs: H, the values of these categories in sum; missing and unseen ones have no input.

    Shapes: codes `[B, C]` to `[B, H]`.
    """

    places: Tensor
    values: Tensor
    like: Tensor

    def __init__(self, categories: Sequence[Category], most: int) -> None:
        super().__init__()
        pairs = [
            (place, code)
            for place, category in enumerate(categories)
            if category.codes - FIRST <= most
            for code in range(FIRST, category.codes)
        ]
        self.outputs = len(pairs)
        places, values = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).unbind(1)
        self.register_buffer("places", places.clone(), persistent=False)
        self.register_buffer("values", values.clone(), persistent=False)
        self.register_buffer("like", torch.zeros(()), persistent=False)  # has the model's dtype

    def forward(self, codes: Tensor) -> Tensor:
        """Returns the inputs."""
        return (codes.index_select(1, self.places) == self.values).to(self.like.dtype)
