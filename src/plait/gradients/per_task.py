"""The gradients of each task, in passes of one task or of several."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.gradients.graph import gradients, kinds_of
from plait.gradients.task_graph import reached_by

Pairs = list[tuple[Tensor, Tensor]]  # (parameter, gradient)


class Batches:
    """Differentiates several tasks in one pass with vmap, where the graph allows it.

    A pass that frees the graph cannot be taken back if an operation turns out to have no batching
    rule. So the kinds of operations that were batched before are known; a graph with a new one is
    kept until the pass is done, and freed by one more pass, which later steps do not need.

    Attributes:
        allowed: whether no graph has refused so far.
    """

    def __init__(self) -> None:
        self.allowed = True
        self._known: set[type] = set()

    def gradients(
        self,
        losses: Mapping[str, Tensor],
        candidates: Sequence[Tensor],
        chunk_size: int,
        *,
        retain: bool = False,
    ) -> Iterator[tuple[str, Pairs]]:
        """Yields what `per_task_gradients` does; takes `chunk_size` tasks in each pass.

        Raises:
            ConfigError: an operation could be batched in earlier steps and cannot in this one.
        """
        tasks, kinds = list(losses), kinds_of(losses.values())
        reached = {id(leaf): set(by) for leaf, by in reached_by(losses)}
        for start in range(0, len(tasks), chunk_size):
            chunk = tasks[start : start + chunk_size]
            last = start + chunk_size >= len(tasks)
            keep = retain or not last or not kinds <= self._known
            stacked = torch.stack([losses[task].to(losses[chunk[0]].dtype) for task in chunk])
            unit = torch.eye(len(chunk), dtype=stacked.dtype, device=stacked.device)
            try:
                found = torch.autograd.grad(
                    stacked,
                    candidates,
                    unit,
                    retain_graph=keep,
                    is_grads_batched=True,
                    allow_unused=True,
                )
            except RuntimeError as error:
                if not keep:
                    raise ConfigError(
                        f"`chunk_size` {chunk_size} is not possible in this step, though it was "
                        f"before: {error}. Set it to 1."
                    ) from error
                warnings.warn(
                    f"`chunk_size` {chunk_size} is not possible here, so the tasks are "
                    f"differentiated one by one: {error}",
                    stacklevel=2,
                )
                self.allowed = False
                rest = {task: losses[task] for task in tasks[start:]}
                yield from per_task_gradients(rest, candidates, retain=retain)
                return
            for position, task in enumerate(chunk):
                pairs = zip(candidates, found, strict=True)
                yield (
                    task,
                    [
                        (p, g[position])
                        for p, g in pairs
                        if g is not None and task in reached.get(id(p), ())
                    ],
                )
        if keep and not retain:
            gradients(list(losses.values()), candidates)
        self._known |= kinds


def per_task_gradients(
    losses: Mapping[str, Tensor],
    candidates: Sequence[Tensor],
    chunk_size: int = 1,
    *,
    batches: Batches | None = None,
    retain: bool = False,
) -> Iterator[tuple[str, Pairs]]:
    """Yields `(task, its (parameter, gradient) pairs)`; the last pass frees the graph.

    Args:
        losses: `{task: scalar}`.
        candidates: parameters; those that a task does not reach are left out of its pairs.
        chunk_size: tasks in one backward pass, batched with vmap. Where an operation of the graph
            has no batching rule, one warning is given and the tasks are differentiated one by one.
        batches: what is known of batched passes from earlier steps; nothing by default.
        retain: the last pass keeps the graph as well.
    """
    batches = batches or Batches()
    if chunk_size > 1 and len(losses) > 1 and batches.allowed:
        yield from batches.gradients(losses, candidates, chunk_size, retain=retain)
        return
    for position, (task, loss) in enumerate(losses.items()):
        keep = retain or position + 1 < len(losses)
        yield task, gradients([loss], candidates, retain=keep)
