"""Pieces of a tree of modules: its nodes, the routes between them, and the choice of a route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.networks import Stage, run_all, weighted_sum
from plait.sharing.search.gumbel import gumbel_softmax

Row = Mapping[int, Tensor | None]  # what is read, and with which weight; None for the whole of it


class Block(nn.Module):
    """One block of a copy of the encoder: a module of the tree."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(stage for stage in stages if isinstance(stage, nn.Module))
        self._stages = list(stages)  # functions may be among them

    def forward(self, hidden: Any, mask: Tensor | None) -> Any:
        """Runs the stages of the block."""
        return run_all(self._stages, hidden, mask)


class Routes(nn.Module):
    """Logits of the choice of each of several readers among the modules of the level below.

    Args:
        readers: their names, as keys. Each has a parameter of its own, so that only the tasks that
            read it learn it.
        read: how many there are to choose from.
    """

    decays = False  # weight decay would pull the routes towards each other
    lr_scale = 10.0  # few numbers have to decide in the time in which the weights learn

    def __init__(self, readers: Sequence[str], read: int) -> None:
        super().__init__()
        self.readers = list(readers)
        self.logits = nn.ParameterDict()
        for reader in self.readers:  # one by one: from a plain dict they would be sorted
            self.logits[reader] = nn.Parameter(torch.zeros(read))

    def forward(self, temperature: Tensor, begun: Tensor) -> list[Tensor]:
        """Returns the weights of this step, `[read]` of each reader; equal ones in the warm-up."""
        samples = [gumbel_softmax(self.logits[reader], temperature) for reader in self.readers]
        return [torch.where(begun, each, torch.full_like(each, 1 / len(each))) for each in samples]

    def shares(self) -> Tensor:
        """Returns the probability of each choice, `[readers, read]`, without a graph."""
        logits = [self.logits[reader].detach() for reader in self.readers]
        return torch.stack(logits).softmax(dim=-1)

    def best(self) -> list[int]:
        """Returns the likeliest choice of each reader; the first of equals."""
        return [row.index(max(row)) for row in self.shares().tolist()]


def mixed(row: Row, outputs: Mapping[int, Tensor]) -> Tensor:
    """Returns the input of a reader: one output, or a weighted sum of several."""
    weights = [weight for weight in row.values() if weight is not None]
    if not weights:
        (only,) = row
        return outputs[only]
    return weighted_sum(weights, [outputs[index] for index in row])


def followed(row: Row, rows: Sequence[Row]) -> Row:
    """Composes two routing rows: the weights of a reader on the level two below."""
    found: dict[int, Tensor | None] = {}
    for index, weight in row.items():
        for below, inner in rows[index].items():
            part = inner if weight is None else weight if inner is None else weight * inner
            known = found.get(below)
            found[below] = part if known is None or part is None else known + part
    return found


def check_routes(routes: Any, depth: int, tasks: Sequence[str]) -> None:
    """Raises `ConfigError` for routes that fit no tree of so many levels and tasks."""
    rows = [list(row) for row in routes] if isinstance(routes, Sequence) else []
    if len(rows) != depth:
        raise ConfigError(
            f"`routes` must have {depth} lists, what the modules of each level after the first "
            f"read, and the module of each task; found {routes!r}. Take them from `searched()`."
        )
    if len(rows[-1]) != len(tasks):
        raise ConfigError(
            f"the last list of `routes` must name one module for each of the {len(tasks)} tasks "
            f"({', '.join(tasks)}); found {rows[-1]}."
        )
    for level, row in enumerate(rows):
        known = len(rows[level - 1]) if level else None
        for read in row:
            whole = isinstance(read, int) and not isinstance(read, bool)
            if not whole or read < 0 or (known is not None and read >= known):
                rule = "whole and not negative" if known is None else f"of 0..{known - 1}"
                raise ConfigError(
                    f"`routes`[{level}] must name modules by numbers {rule}, since the list before "
                    f"it says how many there are; found {read!r}."
                )
