"""The parameters that the loss of each task reaches, found on real batches."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from plait.core.batch import Batch
from plait.core.random_state import random_state_kept
from plait.gradients import reached_by
from plait.model import MultiTaskModel
from plait.training.losses import BatchLosses
from plait.training.reread import buffers_kept

MOST = 64  # batches that are looked at for a label of each task
MORE = 16  # batches beyond, for what no loss has reached yet, such as the stem of another source


@dataclass(frozen=True)
class Reached:
    """The parameters that the losses and the penalties of some batches depend on.

    Attributes:
        tasks: `{name of a trained parameter: tasks whose loss depends on it}`, in the order of the
            model; empty for one that no loss reaches.
        penalties: `{name of a penalty: names of the parameters that it depends on}`.
        labelled: the tasks that had a label, in the order of the model.
    """

    tasks: dict[str, tuple[str, ...]]
    penalties: dict[str, list[str]]
    labelled: tuple[str, ...]


def reached(model: MultiTaskModel, batches: Iterable[Batch]) -> Reached:
    """Runs batches until each task has had a label, and asks the graph what each loss reaches.

    A parameter that is reached in one batch alone counts, as it does for the engine; where some
    were not reached, up to 16 more batches are run. The model stays as it is: modes, running
    statistics and `.grad`.

    Args:
        model: in the mode in which it shall run, which for a training is training mode.
        batches: those of a training; 64 are looked at for labels, at most.

    Cost: a forward pass for each batch, and a walk along its graph.
    """
    device = next(model.parameters()).device
    name_of = {id(p): name for name, p in model.named_parameters() if p.requires_grad}
    found: dict[str, set[str]] = {name: set() for name in name_of.values()}
    penalties: dict[str, set[str]] = {}
    labelled: set[str] = set()
    reading, left = BatchLosses(model, nullcontext(), {}), MORE
    with buffers_kept(model), random_state_kept(device), torch.enable_grad():
        for batch, _ in zip(batches, range(MOST + MORE), strict=False):
            given = reading.select(batch).to(device)
            if not given.parts:
                continue
            outputs, losses = reading(given)
            labelled |= losses.keys()
            for parameter, tasks in reached_by(losses):
                if id(parameter) in name_of:
                    found[name_of[id(parameter)]].update(tasks)
            terms: dict[str, Tensor] = dict(reading.penalty(outputs))
            for parameter, names in reached_by(terms):
                for name in names if id(parameter) in name_of else ():
                    penalties.setdefault(name, set()).add(name_of[id(parameter)])
            left -= labelled.issuperset(model.learning)
            if left == 0 or (left < MORE and all(found.values())):
                break
    return Reached(
        {name: tuple(t for t in model.tasks if t in tasks) for name, tasks in found.items()},
        {name: [each for each in found if each in names] for name, names in penalties.items()},
        tuple(task for task in model.tasks if task in labelled),
    )
