"""Test examples with what is true and what was predicted, as pictures for the report."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from plait.core.devices import move
from plait.core.geometry import Geometry
from plait.data import collate
from plait.model import MultiTaskModel
from plait.recipes import Recipe
from plait.runs.folder import GALLERY
from plait.runs.gallery import KINDS, Chosen, Example, Shown, write_examples
from plait.tasks import BaseTask

# Okabe and Ito's colours, told apart with any colour vision
COLOURS = np.array(
    [
        [0, 158, 115],
        [230, 159, 0],
        [86, 180, 233],
        [204, 121, 167],
        [240, 228, 66],
        [0, 114, 178],
        [213, 94, 0],
    ],
    dtype=np.uint8,
)
CANDIDATES = 256  # examples among which the worst are looked for
OPACITY = 150  # of a mask over its image, of 255

Array = np.ndarray[Any, Any]


def write_gallery(
    folder: Path, model: MultiTaskModel, recipe: Recipe, examples: Any, *, count: int
) -> None:
    """Writes `count` examples: PNG files, and what is true and predicted on them.

    Half are evenly spaced; the others have the largest losses among up to 256 evenly spaced ones,
    each task's loss relative to its mean. Each task shows its own label and prediction
    (`BaseTask.show`), the recipe the inputs. Tasks of geometry "other" are left out. There is no
    gallery if the inputs are no pictures.

    Args:
        folder: the run folder.
        model: predicts; on any device.
        recipe: shows the inputs.
        examples: a map-style data set.
        count: number of examples; 0 writes nothing.
    """
    count = min(count, len(examples))
    model.eval()
    if not count or recipe.show(examples[0][0]) is None:
        return
    spaced = _spaced(len(examples), count - count // 2)
    others = [i for i in _spaced(len(examples), CANDIDATES) if i not in set(spaced)]
    indices = spaced + _worst(model, examples, others, count - len(spaced))
    chosen = [examples[i] for i in indices]
    pictures = [picture for inputs, _ in chosen if (picture := recipe.show(inputs)) is not None]
    inputs, targets = collate(chosen)
    place = folder / GALLERY
    place.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        predictions = model(move(next(model.parameters()).device, inputs))
    written = []
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(place / f"{i:03}.png")
        views = [
            _shown(task, place / f"{i:03}-{name}", targets[name][i], predictions[name][i].cpu())
            for name, task in model.tasks.items()
            if task.geometry in KINDS
        ]
        height, width = picture.shape[:2]
        why: Chosen = "spaced" if i < len(spaced) else "worst"
        written.append(Example(image=f"{i:03}.png", size=(width, height), views=views, chosen=why))
    write_examples(folder, written)


def _spaced(total: int, count: int) -> list[int]:
    """Returns at most `count` evenly spaced numbers below `total`."""
    count = min(count, total)
    return [i * total // count for i in range(count)]


def _worst(model: MultiTaskModel, examples: Any, indices: list[int], count: int) -> list[int]:
    """Returns the numbers of the `count` examples with the largest losses, worst first."""
    if not indices or not count:
        return []
    rows = []
    device = next(model.parameters()).device
    with torch.no_grad():
        for index in indices:
            inputs, targets = collate([examples[index]])
            predictions = model(move(device, inputs))
            rows.append(
                [
                    float(task.loss(predictions[name].cpu(), targets[name]))
                    if name in targets and task.count(targets[name]) > 0
                    else math.nan
                    for name, task in model.tasks.items()
                ]
            )
    losses = np.array(rows)
    means = np.nansum(losses, axis=0) / np.maximum(np.isfinite(losses).sum(axis=0), 1)
    relative = np.nansum(losses / np.where(means > 0, means, 1.0), axis=1)
    return [indices[i] for i in np.argsort(-relative, kind="stable")[:count]]


def _shown(task: BaseTask, stem: Path, target: Tensor, prediction: Tensor) -> Shown:
    """Returns the true and the predicted side of one task; what fills the image is in files."""
    true, predicted = task.show(target, prediction)
    draw = _OVERLAYS.get(task.geometry)
    if draw is not None:
        for side, overlay in zip(("true", "predicted"), draw(true, predicted), strict=True):
            Image.fromarray(overlay).save(f"{stem}-{side}.png")
        true, predicted = f"{stem.name}-true.png", f"{stem.name}-predicted.png"
    kind = KINDS[task.geometry]
    shown: Shown = kind(task=task.name, geometry=task.geometry, true=true, predicted=predicted)
    return shown


def _classes(true: Array, predicted: Array) -> list[Array]:
    """Draws class numbers `[H, W]` in colours, clear where they are negative: `[H, W, 4]`."""
    return [
        np.dstack(
            [
                COLOURS[np.clip(classes, 0, None) % len(COLOURS)],
                np.where(classes >= 0, OPACITY, 0).astype(np.uint8),
            ]
        )
        for classes in (true, predicted)
    ]


def _heights(true: Array, predicted: Array) -> list[Array]:
    """Draws the first of K numbers for each pixel in grey on one scale, clear where it is NaN."""
    sides = [true[0], predicted[0]]
    low, high = np.nanmin(sides), np.nanmax(sides)
    grey = [np.nan_to_num((side - low) / ((high - low) or 1) * 255) for side in sides]
    return [
        np.dstack([*[each] * 3, np.where(np.isnan(side), 0, 255)]).astype(np.uint8)
        for each, side in zip(grey, sides, strict=True)
    ]


_OVERLAYS: dict[Geometry, Callable[[Array, Array], list[Array]]] = {
    "mask": _classes,
    "map": _heights,
}
