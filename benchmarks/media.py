"""Are sentences, sounds and photographs learned with defaults? Against one linear model each.

``python -m benchmarks.media --data DIR [NAME ...]``: for each data set, a run as ``plait train NAME
minutes=4`` makes it, and a linear model for each target (`benchmarks.linear_media`) on the same
rows. All learn from the training rows alone and choose on the validation rows; the test rows are
read once, with bootstrap intervals of the differences: the same 1,000 draws of examples for all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import linear_media
from benchmarks.known_data import print_figures
from plait.data import collate
from plait.experiments import open_problem, run, validate, with_defaults
from plait.model import MultiTaskModel
from plait.recipes import Recipe, Table
from plait.recipes.pets import PetPhotos
from plait.tasks import EntityF1, Segmentation

Array = np.ndarray[Any, Any]
FOLDERS = {"fsdd": "fsdd", "atis": "atis", "gum": "gum", "meld": "meld", "pets": "pets3"}
DRAWS = 1000
INTERVAL = (2.5, 97.5)
METHODS = ("plait", "linear", "constant")


@dataclass(frozen=True)
class Counts:
    """What a metric is made of, example by example: the mean over columns of sums of ratios.

    Attributes:
        above: `[N, K]`, such as the number of words whose tag is right.
        below: `[N, K]`, such as the number of words.
    """

    above: Array
    below: Array

    def of(self, weights: Array) -> float:
        """Returns the metric with the examples counted so often, `[N]`."""
        above, below = weights @ self.above, weights @ self.below
        return float(np.mean(above[below > 0] / below[below > 0]))


def accuracy(labels: Sequence[Any], found: Sequence[Any]) -> Counts:
    """Counts right classes, or right tags of all words."""
    if isinstance(labels[0], str):
        right = [[a == b] for a, b in zip(labels, found, strict=True)]
        return Counts(np.array(right, np.float64), np.ones((len(labels), 1)))
    right = [
        [sum(a == b for a, b in zip(*each, strict=True))]
        for each in zip(labels, found, strict=True)
    ]
    return Counts(
        np.array(right, np.float64), np.array([[len(each)] for each in labels], np.float64)
    )


def entity_f1(labels: Sequence[Any], found: Sequence[Any]) -> Counts:
    """Counts whole entities, as the field's scorer does (nervaluate's strict matches)."""
    names = sorted({tag for each in (*labels, *found) for tag in each} | {"O"})
    metric, rows = EntityF1(names), []
    for true, made in zip(labels, found, strict=True):
        metric.reset()
        metric.update(
            *(torch.tensor([[names.index(tag) for tag in each]]) for each in (made, true))
        )
        rows.append([int(metric.right), int(metric.predicted), int(metric.labelled)])
    right, predicted, labelled = np.array(rows, np.float64).T
    return Counts(2 * right[:, None], (predicted + labelled)[:, None])


def iou(labels: Sequence[Array], found: Sequence[Array]) -> Counts:
    """Counts pixels of each class in label and prediction, for the mean over the classes."""
    pairs = [
        [[((a == k) & (b == k)).sum(), ((a == k) | (b == k)).sum()] for k in range(3)]
        for a, b in zip(labels, found, strict=True)
    ]
    counts = np.array(pairs, np.float64)
    return Counts(counts[..., 0], counts[..., 1])


Metric = Callable[[Sequence[Any], Sequence[Any]], Counts]


# --- predictions for the test rows, `{task: predictions}` -----------------------------------------


def of_run(recipe: Recipe, folder: Path, tasks: Iterable[str]) -> dict[str, list[Any]]:
    """Returns what a trained model says of the test examples, in the words of the labels."""
    model = MultiTaskModel.from_pretrained(folder / "model").eval()
    data: Any = recipe.splits()["test"]
    found: dict[str, list[Any]] = {name: [] for name in tasks}
    for start in range(0, len(data), 32):
        examples = [data[row] for row in range(start, min(start + 32, len(data)))]
        with torch.no_grad():
            outputs = model(collate(examples)[0])
        for name in found:
            task = model.tasks[name]
            values = task.decode(outputs[name]).value
            for row, (_, targets) in enumerate(examples):
                found[name].append(_worded(task, values[row], targets.get(name)))
    return found


def _worded(task: Any, value: torch.Tensor, label: Any) -> Any:
    """Returns a decoded value in the words of the labels."""
    if isinstance(task, Segmentation):
        return value.numpy()
    if value.ndim == 0:
        return task.names[int(value)]
    return [task.names[each] for each in value[: len(label)].tolist()]


def of_table(name: str, table: Table) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Returns the labels of the test rows, and the predictions of linear models and constants."""
    rows = table.rows
    column = next(iter(table.inputs))
    cells = table.frame[column].tolist()
    if name == "fsdd":
        features = linear_media.spectra([table.store.read(cell) for cell in cells], rows)
        sentences: Any = None
    else:
        sentences = [_divided(name, cell) for cell in cells]
        features = linear_media.bags(sentences, rows)
    labels: dict[str, Any] = {}
    found: dict[str, dict[str, Any]] = {"linear": {}, "constant": {}}
    for target in table.targets:
        words = table.frame[target.columns[0]].tolist()
        if target.kind == "token tags":
            tags = [_divided(name, cell) for cell in words]
            linear: Any = linear_media.tags(sentences, tags, rows)
        else:
            tags = [str(word) for word in words]
            linear = linear_media.classes(features, np.array(tags), rows).tolist()
        labels[target.name] = [tags[row] for row in rows["test"]]
        found["linear"][target.name] = linear
        found["constant"][target.name] = linear_media.majority(tags, rows)
    return labels, found


def _divided(name: str, cell: Any) -> list[str]:
    from plait.data.words import words_of

    if not isinstance(cell, str):
        return list(cell)
    return words_of(cell) if name == "meld" else cell.split()


def of_pets(recipe: PetPhotos) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Returns the same of breeds and outlines; the linear model sees 16 x 16 pixels."""
    photos, labels = [], {"breed": [], "mask": []}
    rows, splits = {}, recipe.photos
    for split, part in splits.items():
        rows[split] = np.arange(len(photos), len(photos) + len(part))
        for row in range(len(part)):
            image, targets = part[row]
            photos.append(image)
            labels["breed"].append(splits["train"].classes[int(targets["breed"])])
            labels["mask"].append(targets["mask"].numpy())
    features = linear_media.small_pixels(photos, rows)
    breeds = np.array(labels["breed"])
    background = [np.ones_like(labels["mask"][row]) for row in rows["test"]]
    found = {
        "linear": {
            "breed": linear_media.classes(features, breeds, rows).tolist(),
            "mask": linear_media.outlines(features, labels["mask"], rows),
        },
        "constant": {"breed": linear_media.majority(labels["breed"], rows), "mask": background},
    }
    return {task: [each[row] for row in rows["test"]] for task, each in labels.items()}, found


# --- measuring ----------------------------------------------------------------------------------


def metrics_of(name: str, task: str) -> dict[str, Metric]:
    """Returns the metrics of a task; the first one counts in the mean over tasks."""
    if (name, task) in (("atis", "slots"), ("gum", "entity")):
        return {"entity F1": entity_f1, "accuracy": accuracy}
    return {"mean IoU": iou} if task == "mask" else {"accuracy": accuracy}


def compare(
    name: str, labels: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yields the figures of each task, and of the mean over the tasks."""
    count = len(next(iter(labels.values())))
    random = np.random.default_rng(0)
    draws = [np.bincount(random.integers(0, count, count), minlength=count) for _ in range(DRAWS)]
    weights = [np.ones(count), *draws]
    counted: list[dict[str, Array]] = []
    for task, true in labels.items():
        for place, (metric, of) in enumerate(metrics_of(name, task).items()):
            values = {}
            for method in METHODS:
                counts = of(true, found[method][task])
                values[method] = np.array([counts.of(each) for each in weights])
            counted += [values] if place == 0 else []
            yield row(task, metric, values)
    mean = {method: np.mean([each[method] for each in counted], axis=0) for method in METHODS}
    yield row(f"mean of {len(counted)}", "", mean)


def row(task: str, metric: str, values: Mapping[str, Array]) -> dict[str, Any]:
    """Returns the figures of one task: values on all test examples, and plait's lead."""
    lead = values["plait"] - values["linear"]
    found: dict[str, Any] = {"task": task, "metric": metric}
    found |= {method: float(each[0]) for method, each in values.items()}
    return found | {"lead": [float(lead[0]), *map(float, np.percentile(lead[1:], INTERVAL))]}


def measure(name: str, folder: Path, out: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Trains all models of one data set and measures them."""
    given = {"recipe": name, "data": str(folder), "device": "cpu", "minutes": 4, **settings}
    config = validate(with_defaults(given))
    result = run(config, out / name)
    recipe = open_problem(config).recipe
    if isinstance(recipe, PetPhotos):
        labels, found = of_pets(recipe)
    else:
        assert isinstance(recipe, Table)
        labels, found = of_table(name, recipe)
    found["plait"] = of_run(recipe, out / name, labels)
    rows = list(compare(name, labels, found))
    return {"data": name, "epoch": result.best_epoch, "seconds": result.seconds, "rows": rows}


def lines(found: Mapping[str, Any]) -> list[str]:
    """Returns the lines of one data set in Markdown."""
    return [
        f"| {found['data']} | {each['task']} | {each['metric']} | "
        + " | ".join(f"{each[method]:.3f}" for method in METHODS)
        + " | {:+.3f} ({:+.3f} .. {:+.3f}) |".format(*each["lead"])
        for each in found["rows"]
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Prints the table; the figures of each data set are kept in a file of their own."""
    return print_figures(
        words,
        about=__doc__,
        names=list(FOLDERS),
        header=(
            "| data | task | metric | plait | linear | constant | ahead of linear |",
            "| --- | --- | --- | --: | --: | --: | --: |",
        ),
        measure=lambda name, data, *rest: measure(name, data / FOLDERS[name], *rest),
        lines=lines,
    )


if __name__ == "__main__":
    sys.exit(main())
