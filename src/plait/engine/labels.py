"""Masks of the examples that have a label of a task, as the caller gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.annotations import shown
from plait.core.errors import ConfigError
from plait.gradients import Refusal

EXAMPLE = "`labels={'a': mask_a, 'b': mask_b}`, a mask `[B]` for each task"


def check_labels(labels: Any, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns `{task: mask [B], bool}` of the tasks that have a loss.

    A task without a mask counts as one with a label of every example. Masks of tasks that are
    absent are left out.

    Args:
        labels: as the caller gives them; numbers above 0 are labels.
        losses: `{task: loss}`.

    Raises:
        ConfigError: they are no masks of one length by task, or a name is of no task.
    """
    if not isinstance(labels, Mapping) or not labels:
        raise ConfigError(
            f"`labels` must be masks by task; found {shown(labels)}. Write {EXAMPLE}."
        )
    masks = {}
    for task, mask in labels.items():
        if not isinstance(mask, Tensor) or mask.dim() != 1:
            found = f"the shape {list(mask.shape)}" if isinstance(mask, Tensor) else shown(mask)
            raise ConfigError(
                f"`labels[{task!r}]` must be a mask `[B]`, whether each example has a label; "
                f"found {found}. Write such as `~target.isnan()`."
            )
        masks[task] = mask if mask.dtype == torch.bool else mask > 0
    lengths = {task: len(mask) for task, mask in masks.items()}
    if len(set(lengths.values())) > 1:
        raise ConfigError(
            f"`labels` must have one entry for each example of the batch, the same number for all "
            f"tasks; found {lengths}."
        )
    _check_names(masks, losses)
    whole = torch.ones_like(next(iter(masks.values())))
    return {task: masks.get(task, whole) for task in losses}


def _check_names(masks: Iterable[str], losses: Mapping[str, Tensor]) -> None:
    """Refuses a mask of no task where a task is without one: a name is spelled wrong."""
    unknown = [task for task in masks if task not in losses]
    without = [task for task in losses if task not in {*masks}]
    if unknown and without:
        raise ConfigError(
            f"`labels` has a mask of {unknown[0]!r}, which has no loss in this step, and none of "
            f"{without[0]!r}. Name the tasks as in `losses`."
        )


def refusal_of(found: Refusal, model: nn.Module | None) -> ConfigError:
    """Returns the error for a step that the route 'labels' cannot take.

    Args:
        found: why.
        model: tells which module a parameter belongs to.
    """
    subject = _named(found, model)
    why = f"{subject} {found.why}" if subject else found.why
    return ConfigError(
        f"`route='labels'` splits the gradients of several tasks by example; {why}. Use "
        "route='auto'."
    )


def _named(found: Refusal, model: nn.Module | None) -> str:
    """Returns the words for the node, with the module that it is of, or that is near it."""
    names = {} if model is None else {id(p): name for name, p in model.named_parameters()}
    inside = [names[id(p)] for p in found.parameters if id(p) in names]
    if not inside or not found.node:
        return found.node
    assert model is not None
    path = inside[0].rpartition(".")[0]
    module = type(model.get_submodule(path)).__name__
    where = f"{module} {path!r}" if path else module
    return f"{where} ({found.node})" if found.inside else f"{found.node} (near {where})"
