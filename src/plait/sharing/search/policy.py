"""A policy of several tasks over the blocks of one trunk, and the terms that shape it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ConfigError
from plait.core.keys import safe_key

Form = Literal["paper", "official"]


class Policy(nn.Module):
    """The logits of select and skip, `[blocks, 2]` for each task.

    Args:
        tasks: their names.
        blocks: how many there are to choose from.
    """

    decays = False  # weight decay would pull the policies towards chance
    lr_scale = 10.0  # as in the authors' configuration: 0.01 beside 0.001

    def __init__(self, tasks: Sequence[str], blocks: int) -> None:
        super().__init__()
        self.blocks = blocks
        self.keys = [safe_key(task) for task in tasks]
        self.logits = nn.ParameterDict()
        for key in self.keys:  # one by one: from a plain dict they would be sorted
            self.logits[key] = nn.Parameter(torch.zeros(blocks, 2))

    def each(self) -> list[Tensor]:
        """Returns the logits of each task, `[blocks, 2]`."""
        return [self.logits[key] for key in self.keys]

    def forward(self) -> Tensor:
        """Returns the logits of all tasks, `[tasks, blocks, 2]`."""
        return torch.stack(self.each())

    def terms(self, form: Form, opened: Sequence[bool]) -> tuple[Tensor, Tensor]:
        """Returns sparsity and sharing of the open blocks.

        Args:
            form: of the paper, or of the authors' code.
            opened: of each block.
        """
        logits = self()
        free = logits.new_tensor(opened, dtype=logits.dtype)
        depth = torch.arange(1, self.blocks + 1, device=logits.device, dtype=logits.dtype)
        select, skip = F.log_softmax(logits, dim=-1).unbind(dim=-1)
        if form == "paper":
            sparsity = (select * free).sum()
            read, weights = select.exp(), 1 - depth / self.blocks
        else:
            sparsity = (-skip * free).sum() / self.blocks
            read, weights = logits[..., 0], depth / self.blocks
        pairs = (read.unsqueeze(0) - read.unsqueeze(1)).abs().sum(dim=(0, 1)) / 2
        return sparsity, (weights * free * pairs).sum()


def check_policy(policy: Any, blocks: int, tasks: Sequence[str]) -> None:
    """Raises `ConfigError` for a policy that does not fit so many blocks and tasks."""
    rows = [list(row) for row in policy] if isinstance(policy, Sequence) else []
    if len(rows) != len(tasks) or any(len(row) != blocks for row in rows):
        raise ConfigError(
            f"`policy` must have {blocks} numbers, one for each block that can be skipped, for "
            f"each of the {len(tasks)} tasks ({', '.join(tasks)}); found {policy!r}. Take it from "
            "`searched()`."
        )
    for row in rows:
        for number in row:
            if not isinstance(number, int | float) or not 0 <= number <= 1:
                raise ConfigError(
                    f"`policy` must have 1 for a block to run and 0 to skip; found {number!r}."
                )
