"""The gallery of a run: which examples, what they are, what is true and predicted on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from PIL import Image
from torch.utils.data import IterableDataset

from plait.core.errors import ConfigError
from plait.core.spaced import spaced
from plait.data.shown import Picture, Row
from plait.data.shown import Shown as ShownInput
from plait.experiments.gallery.choice import predicted, worst
from plait.experiments.gallery.inputs import write_input
from plait.experiments.gallery.overlays import map_overlays, mask_overlays, mask_view
from plait.model import MultiTaskModel
from plait.recipes import Recipe
from plait.runs.folder import GALLERY
from plait.runs.gallery import KINDS, Example, Shown, write_examples
from plait.tasks import BaseTask

USUAL = 12  # examples, unless a number is given


def write_gallery(
    folder: Path,
    model: MultiTaskModel,
    recipe: Recipe,
    examples: Any,
    *,
    count: int | Literal["auto"] = "auto",
) -> None:
    """Writes some examples: pictures and sounds as files, and what is true and predicted on them.

    Half are evenly spaced; the others have the largest losses among up to 256 evenly spaced ones,
    each task's loss relative to its mean. Each task shows its own label and prediction
    (`BaseTask.show`), the recipe the inputs. Left out are tasks of geometry "other", and masks and
    maps where the inputs have no picture to lay them over. There is no gallery if the recipe can
    show nothing of the inputs, or if they are a stream.

    Args:
        folder: the run folder.
        model: predicts; on any device.
        recipe: shows the inputs.
        examples: its test split.
        count: number of examples; 0 writes nothing. "auto" is 12, and none where all that can be
            shown are rows of a table: a report is passed on, and rows may be about people.
    """
    if count == 0 or isinstance(examples, IterableDataset) or not len(examples):
        return
    most = min(USUAL if count == "auto" else count, len(examples))
    hidden: tuple[type, ...] = (Row,) if count == "auto" else ()
    evenly = spaced(len(examples), most - most // 2)
    if not any(_told(_inputs(recipe, index, examples[index]), hidden) for index in evenly):
        return
    model.eval()
    indices = evenly + worst(model, examples, most - len(evenly), without=evenly)
    place = folder / GALLERY
    place.mkdir(parents=True, exist_ok=True)
    written = []
    for i, index in enumerate(indices):
        stem, example = place / f"{i:03}", examples[index]
        shown = _inputs(recipe, index, example)
        if not _told(shown, hidden):  # of several data sets, some may have nothing to show
            continue
        written.append(
            Example(
                inputs=[write_input(each, stem, number) for number, each in enumerate(shown)],
                views=_views(model, example, stem, over=_has_picture(shown)),
                chosen="spaced" if i < len(evenly) else "worst",
            )
        )
    write_examples(folder, written)


def _inputs(recipe: Recipe, index: int, example: Any) -> Sequence[ShownInput]:
    """Asks the recipe for the inputs of a test example, and checks the answer."""
    found = recipe.show_example("test", index, example[0])
    kinds = get_args(ShownInput)
    if isinstance(found, list | tuple) and all(isinstance(each, kinds) for each in found):
        return found
    raise ConfigError(
        f"`show` of the recipe {type(recipe).__name__} must return a list of "
        f"{', '.join(kind.__name__ for kind in kinds)}; found {type(found).__name__}. Write "
        "`return [Picture(pixels)]`, or `return []` to show nothing."
    )


def _told(shown: Sequence[ShownInput], hidden: tuple[type, ...]) -> bool:
    """Returns whether there is an input that is not of the `hidden` kinds."""
    return any(not isinstance(each, hidden) for each in shown)


def _has_picture(shown: Sequence[ShownInput]) -> bool:
    return any(isinstance(each, Picture) for each in shown)


def _views(model: MultiTaskModel, example: Any, stem: Path, *, over: bool) -> list[Shown]:
    """Asks each task for its views of an example; masks only `over` a picture."""
    targets, predictions = predicted(model, example)
    return [
        _view(task, Path(f"{stem}-task{number}"), targets[name], predictions[name])
        for number, (name, task) in enumerate(model.tasks.items())
        if name in targets
        and task.geometry in KINDS
        and (over or task.geometry not in ("mask", "map"))
    ]


def _view(task: BaseTask, stem: Path, targets: Any, predictions: Any) -> Shown:
    """Returns the true and the predicted side of one task on a batch of one example."""
    true, seen = task.show(targets[0], predictions[0])
    more: dict[str, Any] = {}
    if task.geometry in ("mask", "map"):  # what fills a picture is in files
        labelled = task.count(targets) > 0
        if task.geometry == "mask":
            overlays = mask_overlays(true, seen)
            more = mask_view(true if labelled else None, seen, task.names)
        else:
            overlays = map_overlays(true, seen)
        for side, overlay in zip(("true", "predicted"), overlays, strict=True):
            if labelled or side == "predicted":
                Image.fromarray(overlay).save(f"{stem}-{side}.png")
        true = f"{stem.name}-true.png" if labelled else None
        seen = f"{stem.name}-predicted.png"
    kind = KINDS[task.geometry]
    shown: Shown = kind(task=task.name, geometry=task.geometry, true=true, predicted=seen, **more)
    return shown
