"""The diagnosis of a model on batches of its training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Literal

import torch

from plait.balancing.base import Balancer
from plait.core.annotations import shown
from plait.core.batch import Batch
from plait.core.errors import ConfigError, DataError, PlaitError
from plait.data import batches_of
from plait.experiments.diagnosis.from_log import Logged
from plait.experiments.diagnosis.gradients import conflict, mean_losses, measure, sizes_by_layer
from plait.experiments.diagnosis.groups import affinity_of, grouping_of
from plait.experiments.diagnosis.numbers import number
from plait.experiments.diagnosis.opposed import opposed_pairs
from plait.experiments.diagnosis.words import advice, sentences
from plait.experiments.explanation import by_tasks, reached
from plait.experiments.forecast import StepSettings, forecast
from plait.model import MultiTaskModel
from plait.networks.modes import in_mode
from plait.runs.diagnosis import Conflict, Diagnosis, LossScale

BATCHES = 16  # on which gradients are measured
OF_FORECAST = 8  # batches on which steps are timed
SECONDS = 20.0  # of the forecast


def diagnose(
    model: MultiTaskModel,
    batches: Iterable[Any],
    *,
    most: int = BATCHES,
    settings: StepSettings | None = None,
    balancers: Mapping[str, Balancer] | None = None,
    forecast_seconds: float = SECONDS,
    logged: Logged | None = None,
    source: Literal["run", "config", "model"] = "model",
    title: str = "",
    steps: int | None = None,
) -> Diagnosis:
    """Measures how the tasks of a model act on each other; nothing is trained.

    The gradients of the tasks over all shared parameters and by layer, the share of each task in
    the update, the scales of the losses, the affinity of the tasks and the groups that it speaks
    for, and what a step with each balancer would cost. The model stays as it is, to the last bit:
    parameters, running statistics, `.grad`, modes and random generators.

    Args:
        model: untrained, in training or trained. Near the end of a training the gradients of tasks
            that share parameters point against each other whether or not they harm each other:
            diagnose earlier to know.
        batches: of the training data: a loader, or a list of `Batch` objects or of ``(inputs,
            {task: labels})``. Never those of a test.
        most: batches that are measured, at least 1; 16 by default. Fewer than 4 tell no conflict.
        settings: of the training, for the forecast; those of `plait.Trainer` by default.
        balancers: `{name: a new balancer}` for the forecast; one of each class by default, and none
            is forecast of an empty one.
        forecast_seconds: see `plait.experiments.forecast.forecast`.
        logged: what the log of its training has.
        source: of the model; see `Diagnosis`.
        title: of the diagnosis.
        steps: optimizer steps that the model has taken, if that is known.

    Returns:
        The diagnosis; `plait.runs.diagnosis.write_diagnosis` writes it.

    Raises:
        DataError: no batch has a label.
        ConfigError: `model` is no `MultiTaskModel`.

    Cost: for each batch some 2 T backward passes, and T + 1 forward ones with at most 10 tasks;
        then the forecast.
    """
    if not isinstance(model, MultiTaskModel):
        raise ConfigError(
            f"`model` must be a MultiTaskModel, which knows its tasks; found {shown(model)}. Give "
            "the model, not its encoder."
        )
    logged = logged or Logged()
    with in_mode(model, training=True):
        given = _labelled(model, islice(batches_of(batches, model.tasks.values()), most))
        if not given:
            raise DataError("no batch has a label of any task. Give batches of the training data.")
        found = reached(model, given)
        losses, notes = mean_losses(model, given), _notes(model, given, logged, source)
        diagnosis = Diagnosis(
            tasks=list(model.tasks),
            source=source,
            title=title,
            steps=steps,
            batches=len(given),
            sentences=[],
            advice="",
            shared=by_tasks(model, found.tasks),
            losses={
                task: LossScale(
                    first=number(logged.first.get(task, math.nan)),
                    loss=number(loss),
                    norm=None,
                    batches=count,
                )
                for task, (loss, count) in losses.items()
            },
            history=logged.history,
            balanced_shares=logged.balanced_shares,
            flags=logged.flags,
            watched=logged.watched,
            warnings=logged.warnings,
            notes=notes,
        )
        if any(len(tasks) > 1 for tasks in model.roles().values()):
            diagnosis = _with_gradients(diagnosis, model, given, found.tasks)
        elif len(model.tasks) > 1:
            notes.append("The tasks share no trained parameter: no gradients could be compared.")
        if balancers is None or balancers:
            diagnosis = _with_forecast(
                diagnosis, model, given[:OF_FORECAST], settings, balancers, forecast_seconds
            )
    return replace(diagnosis, sentences=sentences(diagnosis), advice=advice(diagnosis))


def _labelled(model: MultiTaskModel, batches: Iterable[Batch]) -> list[Batch]:
    """Returns the batches with labels of tasks that learn, on the model's device."""
    device = next(model.parameters()).device
    chosen = (batch.only(model.learning).to(device) for batch in batches)
    return [batch for batch in chosen if batch.parts]


def _notes(
    model: MultiTaskModel, batches: Sequence[Batch], logged: Logged, source: str
) -> list[str]:
    missing = [task for task in model.learning if not any(task in b.counts for b in batches)]
    frozen = [task for task in model.tasks if task not in model.learning]
    notes = []
    if missing:
        notes.append(f"No label in the measured batches: {', '.join(missing)}.")
    if source == "run" and not logged.history:
        notes.append(
            "The log has no cosines (`measure_every`), so conflicts are those at the end of the "
            "training, where tasks that share parameters pull against each other in any case."
        )
    if frozen:
        notes.append(f"Frozen, so without a gradient: {', '.join(frozen)}.")
    return notes


def _with_gradients(
    diagnosis: Diagnosis,
    model: MultiTaskModel,
    batches: Sequence[Batch],
    tasks: Mapping[str, Sequence[str]],
) -> Diagnosis:
    """Adds the conflicts, the shares, the affinity and the groups."""
    measured, sizes = measure(model, batches), sizes_by_layer(model, tasks)
    whole = conflict(measured.total, measured.tasks, sum(sizes.values()))
    layers = [
        conflict(gramians, measured.tasks, sizes.get(name, 0), name)
        for name, gramians in measured.layers.items()
    ]
    norms = dict(zip(whole.tasks, whole.norms, strict=True))
    diagnosis = replace(
        diagnosis,
        conflict=whole,
        layers=[layer for layer in layers if len(layer.tasks) > 1],
        opposed=opposed_pairs(whole),
        shares={task: number(share) for task, share in measured.shares.items()},
        losses={
            task: replace(scale, norm=norms.get(task)) for task, scale in diagnosis.losses.items()
        },
    )
    return _with_groups(diagnosis, model, batches, whole, tasks)


def _with_groups(
    diagnosis: Diagnosis,
    model: MultiTaskModel,
    batches: Sequence[Batch],
    whole: Conflict,
    tasks: Mapping[str, Sequence[str]],
) -> Diagnosis:
    """Adds the affinity and the groups, or why there are none."""
    if len(whole.tasks) < 2:
        return diagnosis
    lengths = {task: norm for task, norm in zip(whole.tasks, whole.norms, strict=True) if norm}
    shared = [p for n, p in model.named_parameters() if len(tasks.get(n, ())) > 1]
    size = float(torch.linalg.vector_norm(torch.stack([p.detach().norm() for p in shared])))
    try:
        affinity = affinity_of(model, batches, lengths, size)
    except PlaitError as error:
        note = f"The affinity of the tasks was not measured: {error}"
        return replace(diagnosis, notes=[*diagnosis.notes, note])
    grouping = grouping_of(affinity, diagnosis.tasks)
    return replace(diagnosis, affinity=affinity, grouping=grouping)


def _with_forecast(
    diagnosis: Diagnosis,
    model: MultiTaskModel,
    batches: Sequence[Batch],
    settings: StepSettings | None,
    balancers: Mapping[str, Balancer] | None,
    seconds: float,
) -> Diagnosis:
    try:
        found = forecast(model, batches, settings, balancers=balancers, seconds=seconds)
    except PlaitError as error:
        note = f"No forecast was made: {error}"
        return replace(diagnosis, notes=[*diagnosis.notes, note])
    return replace(diagnosis, forecast=found)
