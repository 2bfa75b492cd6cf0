"""Columns of tables of every sort, and rows of them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from plait.core.columns import Column


def number(
    name: str, edges: Sequence[float] = (-2, -1, 0, 1, 2), missing: float = 0.0, **more: float
) -> Column:
    facts: dict[str, Any] = {"center": [more.get("center", 0.0)], "scale": [more.get("scale", 1.0)]}
    return Column(name, "number", missing=[missing], edges=[list(edges)], **facts)


def category(name: str, values: int) -> Column:
    return Column(name, "category", values=[f"{name}{k:04}" for k in range(values)])


def mixed() -> list[Column]:
    """Numbers with and without missing values, a constant, a yes or no, and two categories."""
    return [
        number("size", missing=0.2),
        category("kind", 3),
        number("bit", (0, 1), center=0.3, scale=0.4),
        number("same", (7,), center=7.0),
        number("cost", (10, 20, 50, 1000), center=30.0, scale=20.0),
        category("town", 100),
    ]


def rows(columns: Sequence[Column], count: int, seed: int = 0) -> Tensor:
    """Rows with values that the columns know, and some that they lack."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for column in columns:
        if column.kind == "category":
            part = torch.randint(0, column.codes, (count, 1), generator=generator).float()
        else:
            part = torch.randn(count, column.numbers, generator=generator)
            part = part * torch.tensor(column.scale) + torch.tensor(column.center)
            part[torch.rand(part.shape, generator=generator) < torch.tensor(column.missing)] = (
                torch.nan
            )
        parts.append(part)
    return torch.cat(parts, dim=1)
