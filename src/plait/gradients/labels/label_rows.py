"""A gradient that goes through autograd as one of the batch, and holds one row for each label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.gradients.labels.operand import Operand
from plait.gradients.labels.ranks import Ranks

aten = torch.ops.aten
ALL = -1  # in place of a task: the labels of all tasks
LINEAR = {  # operations that multiply each entry of the gradient, which comes first, by a number
    aten.div.Tensor,
    aten.elu_backward.default,
    aten.gelu_backward.default,
    aten.leaky_relu_backward.default,
    aten.mul.Tensor,
    aten.native_dropout_backward.default,
    aten.neg.default,
    aten.sigmoid_backward.default,
    aten.silu_backward.default,
    aten.softplus_backward.default,
    aten.tanh_backward.default,
    aten.threshold_backward.default,
}
PRODUCTS = frozenset(("AddmmBackward0", "MmBackward0"))
# Nodes whose backward functions do no more than that, where the shape is kept
ENTRIES = "Add Elu Gelu LeakyRelu Mul NativeDropout Relu Sigmoid Silu Softplus Tanh"
KEPT = frozenset(f"{name}Backward0" for name in ENTRIES.split())


def acts_row_by_row(operand: Operand) -> bool:
    """Returns whether the gradient at an input with examples comes from rows of the output's.

    Args:
        operand: the input, and where the examples are in the output.
    """
    name, place = operand.node.name(), operand.place
    first = place.before == 1 and operand.output[0] == place.examples
    return first and (name in PRODUCTS or (name in KEPT and operand.shape == operand.output))


class NotByLabelError(NotImplementedError):
    """An operation of a backward pass has no rule for rows of labels."""


class LabelRows(Tensor):
    """The gradient `[B, ...]` of a batch at an edge, held as a row for each label.

    Several labels of one example are several rows, and an example without a label is none: so one
    backward pass carries all labels, in the time of as many rows, where passes for one label of
    each example would carry zeros. Autograd sees the shape of the batch; what the nodes and the
    hooks do with it is done to the rows.

    Args:
        ranks: of the labels.
        shape: of the gradient, B in front.
        parts: `{task: [n, ...]}`, rows of the labels of some tasks, as numbers; `ALL` for those of
            all tasks.

    Raises:
        NotByLabelError: an operation has no rule.
    """

    ranks: Ranks
    parts: dict[int, Tensor]

    @staticmethod
    def __new__(cls, ranks: Ranks, shape: Sequence[int], parts: dict[int, Tensor]) -> LabelRows:
        """Makes a tensor without memory of its own."""
        like = next(iter(parts.values()))
        made: LabelRows = Tensor._make_wrapper_subclass(
            cls, shape, dtype=like.dtype, device=like.device
        )
        made.ranks, made.parts = ranks, parts
        return made

    def __init__(self, ranks: Ranks, shape: Sequence[int], parts: dict[int, Tensor]) -> None:
        pass

    def whole(self) -> Tensor:
        """Returns the rows of all labels, `[N, ...]`; zeros for tasks without any here."""
        if ALL not in self.parts:
            like = next(iter(self.parts.values()))
            rows = like.new_zeros(self.ranks.labels, *like.shape[1:])
            for task, part in self.parts.items():
                rows[self.ranks.slices[task]] = part
            self.parts = {ALL: rows}
        return self.parts[ALL]

    def at_once(self) -> tuple[int, Tensor, Tensor]:
        """Returns `(task or ALL, rows [n, ...], example of each [n])`."""
        if len(self.parts) > 1:
            self.whole()
        ((task, rows),) = self.parts.items()
        own = slice(None) if task == ALL else self.ranks.slices[task]
        return task, rows, self.ranks.example[own]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # torch declares it without the operation
        cls,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> LabelRows:
        """Does to the rows what autograd does to the gradient."""
        found, others = args[0], args[1:]
        if isinstance(found, LabelRows):
            if func is aten.add.Tensor and isinstance(others[0], LabelRows) and not kwargs:
                return _added(found, others[0])
            if not any(isinstance(each, LabelRows) for each in others):
                if func is aten.mm.default:
                    task, rows, _ = found.at_once()
                    return _like(found, task, rows @ others[0])
                if func in LINEAR:
                    task, rows, example = found.at_once()
                    chosen = [_by_label(each, found, example) for each in others]
                    return _like(found, task, func(rows, *chosen, **(kwargs or {})))
        raise NotByLabelError(f"{func} is not known for rows of labels")


def _like(found: LabelRows, task: int, rows: Tensor) -> LabelRows:
    return LabelRows(found.ranks, (found.shape[0], *rows.shape[1:]), {task: rows})


def _added(one: LabelRows, other: LabelRows) -> LabelRows:
    """Adds two gradients; those of different tasks stand side by side."""
    if (ALL in one.parts) != (ALL in other.parts):
        one.whole()
        other.whole()
    parts = dict(one.parts)
    for task, rows in other.parts.items():
        parts[task] = parts[task] + rows if task in parts else rows
    return LabelRows(one.ranks, one.shape, parts)


def _by_label(other: Any, found: Tensor, example: Tensor) -> Any:
    """Returns the factor of each row: that of its example, or the one of all examples."""
    if not isinstance(other, Tensor) or other.dim() < found.dim():
        return other
    if other.shape[0] == 1 and other.dim() == found.dim():
        return other
    if other.dim() > found.dim() or other.shape[0] != found.shape[0]:
        raise NotByLabelError(f"a factor {list(other.shape)} is not one number for each entry")
    return other.index_select(0, example)


def passed_down(
    ranks: Ranks,
    fed: Sequence[tuple[GradientEdge, int, Tensor]],
    uses: Sequence[GradientEdge],
    *,
    retain: bool,
) -> list[Tensor | None] | None:
    """Returns the gradients of all labels at the uses, `[N, ...]`, from one backward pass.

    None if an operation on the way has no rule, or a hook cannot be given such a tensor. The graph
    is whole then, and an ordinary pass tells what is wrong with a hook, if anything is.

    Args:
        ranks: of the labels.
        fed: `(edge, task, gradient [B, ...])` for each edge from which the labels start.
        uses: edges below.
        retain: whether the graph is kept.
    """
    edges = [edge for edge, _, _ in fed]
    gradients = [gradient for _, _, gradient in fed]
    tasks = [task for _, task, _ in fed]

    def run(ranks: Ranks, retain: bool) -> Sequence[Tensor | None]:
        rows = [
            LabelRows(ranks, g.shape, {task: g.index_select(0, ranks.example[ranks.slices[task]])})
            for task, g in zip(tasks, gradients, strict=True)
        ]
        return torch.autograd.grad(edges, uses, rows, retain_graph=retain, allow_unused=True)

    try:
        found = run(ranks, True)
    except (RuntimeError, TypeError):
        return None
    known = [each.whole() if isinstance(each, LabelRows) else None for each in found]
    if any(one is None and each is not None for one, each in zip(known, found, strict=True)):
        return None  # a hook has put another tensor in its place
    if not retain:  # a pass without a label frees the graph
        nothing = (slice(0, 0),) * len(ranks.tasks)
        run(replace(ranks, task=ranks.task[:0], example=ranks.example[:0], slices=nothing), False)
    return known
