"""Tasks and labels of a table's targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from plait.core.build import build, check_names
from plait.core.errors import ConfigError, DataError
from plait.data.table.described import Target, complaints, read_target
from plait.tasks import (
    BaseTask,
    Binary,
    Classification,
    DenseRegression,
    MultiLabel,
    Regression,
    Segmentation,
    Survival,
    Tagging,
)
from plait.tasks.labels.rare import OPTIONS, options_for, resolved
from plait.tasks.labels.spans import is_bio

if TYPE_CHECKING:
    import pandas as pd

CLASSES: Mapping[str, type[BaseTask]] = {
    "number": Regression,
    "numbers": Regression,
    "category": Classification,
    "yes/no": Binary,
    "tags": MultiLabel,
    "survival": Survival,
    "mask": Segmentation,
    "map": DenseRegression,
    "token tags": Tagging,
}
FAR = 1.5  # from the middle of a picture, which a box that is cut off may pass, and pixels do
GIVEN = ("name", "names", "classes", "labels", "outputs")  # by the table, not by its description


def task_of(target: Target, names: Sequence[str], labels: Tensor) -> BaseTask:
    """Makes the task of a target.

    Args:
        target: which, with the options of the task's class.
        names: of its classes or labels.
        labels: those of the training rows.

    Raises:
        ConfigError: a value that an option cannot take.
        DataError: a category has one class only.
    """
    options = dict(target.options)
    given: dict[str, Any] = {"names": names}
    if target.kind in ("number", "numbers"):
        given = {"outputs": labels.shape[1]}
    elif target.kind == "category":
        given["classes"] = len(names)
        if len(names) < 2:
            raise DataError(
                f"task {target.name!r} needs two classes; its column has "
                f"{', '.join(map(repr, names)) or 'no value'}. Leave it out, or name another "
                "column."
            )
    elif target.kind == "tags":
        given["labels"] = len(names)
    elif target.kind == "survival":
        given = {} if "cuts" in options else {"cuts": Survival.quantile_cuts(labels)}
    if any(isinstance(options.get(each), str) for each in ("class_weights", "prior")):
        counts = _counts(labels, len(names))
        several = target.kind in ("category", "tags")
        options = resolved(target.name, options, counts if several else counts[0])
    noun = f"tasks.{target.name}:"
    cls = CLASSES[target.kind]
    task: BaseTask = build(cls, options, kind=noun, name=target.name, **given)
    return task


def placed_task(target: Target, names: Sequence[str], labels: Any, rows: Any) -> BaseTask:
    """Makes the task of a target whose labels lie on a picture or a sentence.

    Where hardly any pixel or token has another class than the most frequent one, and the options
    say nothing of it, they are those of `plait.tasks.labels.rare.options_for`. Tags that say where
    entities begin and go on are measured as entities, too.

    Args:
        target: which, with the options of the task's class.
        names: of its classes.
        labels: the reader of its labels.
        rows: numbers of the training rows.

    Raises:
        ConfigError: a value that an option cannot take.
        DataError: there is one class only.
    """
    from plait.data.table.placed import label_counts

    options = dict(target.options)
    given: dict[str, Any] = {}
    if target.kind == "map":
        options["outputs"] = labels.outputs
    else:
        given = {"classes": len(names), "names": names}
        if len(names) < 2:
            raise DataError(
                f"task {target.name!r} needs two classes; its column has "
                f"{', '.join(map(repr, names)) or 'no value'}. Leave it out, or name another "
                "column."
            )
        counts = label_counts(labels, rows, len(names))
        if not OPTIONS.keys() & options.keys():
            background = options.get("background", 0)
            chosen = options_for(counts, masks=target.kind == "mask", background=background)
            options = chosen | options
        options = resolved(target.name, options, counts)
    if target.kind == "token tags" and is_bio(names):
        options.setdefault("entities", True)
    noun, cls = f"tasks.{target.name}:", CLASSES[target.kind]
    task: BaseTask = build(cls, options, kind=noun, name=target.name, **given)
    return task


def check_described(inputs: Mapping[str, Any], tasks: Mapping[str, Any]) -> None:
    """Raises `ConfigError` with all that is wrong in a description, before the table is read."""
    described = {name: each for name, each in tasks.items() if each is not None}
    wrong = complaints({name: each for name, each in inputs.items() if each is not None}, described)
    for name, each in {} if wrong else described.items():
        target = read_target(name, each, ())
        given = {*GIVEN, *({"cuts"} - target.options.keys())}
        try:
            check_names(CLASSES[target.kind], target.options, kind=f"tasks.{name}:", given=given)
        except ConfigError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigError("\n".join(wrong))


def _counts(labels: Tensor, classes: int) -> list[Any]:
    """Counts the labels of each class; for each yes or no, those of no and of yes."""
    if not labels.is_floating_point():
        return torch.bincount(labels[_there(labels)], minlength=classes).tolist()
    yes, there = (labels == 1).sum(dim=0), (~labels.isnan()).sum(dim=0)
    counts: list[Any] = torch.stack([there - yes, yes], dim=1).tolist()
    return counts


def labels_of_all(
    frame: pd.DataFrame,
    targets: Sequence[Target],
    classes: Mapping[str, Sequence[str]],
    *,
    source: str = "",
) -> dict[str, Tensor]:
    """Returns `{task: labels of all rows}` of a table.

    Raises:
        DataError: a column is missing, a cell is not of its kind, no row has a label, or boxes or
            points are no fractions of a picture.
    """
    from plait.data.table.targets import check_resolved, labels_of

    found = {}
    for target in targets:
        check_resolved(frame, target, source)
        found[target.name] = labels_of(frame, target, classes[target.name], source=source)
        if target.options.get("geometry") in ("box", "point"):
            _check_places(found[target.name], target, source)
        if not bool(_there(found[target.name]).any()):
            of = target.columns[0]
            where = f" where {target.where!r} is yes" if target.where else ""
            raise DataError(
                f"task {target.name!r} has no label: the column {of!r} of {source} is empty"
                f"{where}. Name another column, or leave the task out."
            )
    return found


def _check_places(labels: Tensor, target: Target, source: str) -> None:
    """Raises `DataError` for boxes and points that are pixels rather than fractions."""
    far = ((labels - 0.5).abs() > FAR).nonzero()
    if len(far):
        row, entry = far[0].tolist()
        column = target.columns[entry if len(target.columns) > 1 else 0]
        raise DataError(
            f"row {row + 1}, column {column!r} of {source}: places of task {target.name!r} must be "
            f"fractions of the picture's width and height, from 0 to 1; found "
            f"{labels[row, entry]:g}. Divide pixels by the width or the height of the picture."
        )


def check_trained(labels: Mapping[str, Tensor], source: str) -> None:
    """Raises `DataError` for a task without a label among the training rows."""
    for name, each in labels.items():
        if not bool(_there(each).any()):
            raise DataError(
                f"task {name!r} has no label in the training rows of {source}, only in others. "
                "Divide the rows in another way (`split`), or leave the task out."
            )


def _there(labels: Tensor) -> Tensor:
    """True where there is a label."""
    return ~labels.isnan() if labels.is_floating_point() else labels >= 0
