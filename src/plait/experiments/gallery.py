"""Test examples with what is true and what was predicted, as pictures for the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from plait.core.files import write_text
from plait.data import collate
from plait.model import MultiTaskModel
from plait.recipes import Recipe

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


def write_gallery(
    folder: Path, model: MultiTaskModel, recipe: Recipe, examples: Any, *, count: int
) -> None:
    """Writes `count` evenly spaced examples as PNG files and one `gallery.json`.

    Args:
        folder: is made if needed.
        model: predicts; on any device.
        recipe: says how each task is shown; one without `views` has no gallery.
        examples: a map-style data set.
        count: number of examples; 0 writes nothing.
    """
    count = min(count, len(examples))
    if count == 0 or not recipe.views:
        return
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [examples[i * len(examples) // count] for i in range(count)]
    inputs, targets = collate(chosen)
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        predictions = {task: p.cpu() for task, p in model(inputs.to(device)).items()}
    shown = []
    for i in range(count):
        picture = recipe.picture(inputs[i])
        Image.fromarray(picture).save(folder / f"{i:03}.png")
        views = [
            {"task": task, "kind": kind}
            | _view(recipe, task, folder / f"{i:03}-{task}", targets[task][i], predictions[task][i])
            for task, kind in recipe.views.items()
            if task in predictions
        ]
        height, width = picture.shape[:2]
        shown.append({"image": f"{i:03}.png", "size": [width, height], "views": views})
    write_text(folder / "gallery.json", json.dumps({"examples": shown}, indent=1) + "\n")


def _view(
    recipe: Recipe, task: str, stem: Path, target: Tensor, prediction: Tensor
) -> dict[str, Any]:
    """Returns the true and the predicted side of one task on one example."""
    show: dict[str, Callable[[], dict[str, Any]]] = {
        "label": lambda: _label(target, prediction, recipe.class_names.get(task)),
        "mask": lambda: _mask(target, prediction, stem, recipe.backgrounds.get(task, 0)),
        "point": lambda: _numbers(target, prediction),
        "box": lambda: _numbers(target, prediction),
    }
    return show[recipe.views[task]]()


def _label(target: Tensor, prediction: Tensor, names: Sequence[str] | None) -> dict[str, Any]:
    def name(index: int) -> str | None:
        if index < 0:
            return None
        return str(index) if names is None else names[index]

    return {"true": name(int(target)), "predicted": name(int(prediction.argmax()))}


def _mask(target: Tensor, prediction: Tensor, stem: Path, background: int) -> dict[str, Any]:
    sides = {"true": target, "predicted": prediction.argmax(dim=0)}
    for side, classes in sides.items():
        index = classes.numpy().astype(np.int64)
        colour = COLOURS[np.clip(index, 0, None) % len(COLOURS)]
        opacity = np.where((index >= 0) & (index != background), 150, 0).astype(np.uint8)
        Image.fromarray(np.dstack([colour, opacity])).save(f"{stem}-{side}.png")
    return {side: f"{stem.name}-{side}.png" for side in sides}


def _numbers(target: Tensor, prediction: Tensor) -> dict[str, Any]:
    missing = bool(target.isnan().any())
    return {"true": None if missing else target.tolist(), "predicted": prediction.tolist()}
