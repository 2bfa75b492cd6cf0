"""The gallery: evenly spaced test examples and the worst ones, with truth and prediction."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import IterableDataset

from plait.core.errors import ConfigError
from plait.data import InMemory, Row
from plait.data.masks import COLOURS
from plait.experiments.gallery import write_gallery
from plait.model import MultiTaskModel
from plait.recipes import Recipe
from plait.reports.pages.cards import read_cards
from plait.runs.folder import EXAMPLES, GALLERY
from plait.sharing import Hard
from plait.tasks import BaseTask, DenseRegression, MultiLabel, Regression, Task
from plait.tasks.heads import ScalarHead
from tests.experiments.gallery.samples import defects, rows, sentences, sounds
from tests.experiments.tiny import QUARTERS, Tiny


@pytest.fixture
def model() -> MultiTaskModel:
    recipe = Tiny()
    return MultiTaskModel(Hard(recipe.encoder()), recipe.tasks(), example=torch.zeros(2, 1, 8, 8))


@pytest.fixture
def data() -> InMemory:
    return Tiny().squares("test", 7)


def read(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / EXAMPLES).read_text())["examples"]
    return found


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def worst_of(model: MultiTaskModel, data: InMemory, indices: list[int]) -> int:
    """The example with the largest sum of losses, each over the mean of its task."""
    with torch.no_grad():
        predictions = model(data.inputs)
    total = dict.fromkeys(indices, 0.0)
    for name, task in model.tasks.items():
        losses = {
            i: float(task.loss(predictions[name][[i]], data.targets[name][[i]])) for i in indices
        }
        for i, loss in losses.items():
            total[i] += loss / (sum(losses.values()) / len(losses))
    return max(indices, key=lambda i: total[i])


def test_every_view_says_what_is_true_and_what_was_predicted(
    tmp_path: Path, model: MultiTaskModel, data: InMemory
) -> None:
    recipe = Tiny()
    write_gallery(tmp_path, model, recipe, data, count=3)
    with torch.no_grad():
        predictions = model.eval()(data.inputs)
    shown = read(tmp_path)
    assert len(shown) == 3
    assert [example["chosen"] for example in shown] == ["spaced", "spaced", "worst"]
    worst = worst_of(model, data, [1, 2, 4, 5, 6])
    for example, index in zip(shown, (0, 3, worst), strict=True):  # 0 and 7/2, rounded down
        (shown_input,) = example["inputs"]
        assert shown_input["size"] == [8, 8]
        (picture,) = recipe.show(data.inputs[index])
        assert np.array_equal(pixels(tmp_path / GALLERY / shown_input["file"]), picture.pixels)
        quarter, mask, spot = example["views"]
        assert quarter == {
            "task": "quarter",
            "geometry": "class",
            "true": QUARTERS[data.targets["quarter"][index]],
            "predicted": QUARTERS[predictions["quarter"][index].argmax()],
        }
        assert (spot["task"], spot["geometry"]) == ("spot", "point")
        assert spot["true"] == data.targets["spot"][index].tolist()
        assert spot["predicted"] == pytest.approx(predictions["spot"][index].tolist(), rel=1e-4)
        truth = pixels(tmp_path / GALLERY / mask["true"])
        labelled = data.targets["mask"][index].numpy() == 1
        assert np.array_equal(truth[..., 3] > 0, labelled), "the background is clear"
        assert (truth[labelled][:, :3] == COLOURS[1]).all()
        predicted = pixels(tmp_path / GALLERY / mask["predicted"])
        ink = predictions["mask"][index].argmax(dim=0).numpy() == 1
        assert np.array_equal(predicted[..., 3] > 0, ink)
        (square,) = mask["classes"]
        assert square["name"] == "1"
        assert square["true"] == labelled.mean()
        assert square["predicted"] == ink.mean()


def test_missing_labels_are_shown_as_missing(
    tmp_path: Path, model: MultiTaskModel, data: InMemory
) -> None:
    data.targets["quarter"][0] = -100
    data.targets["spot"][0] = math.nan
    data.targets["mask"][0, :4] = -100
    write_gallery(tmp_path, model, Tiny(), data, count=1)
    quarter, mask, spot = read(tmp_path)[0]["views"]
    assert quarter["true"] is None
    assert quarter["predicted"] is not None
    assert spot["true"] is None
    assert len(spot["predicted"]) == 2
    truth = pixels(tmp_path / GALLERY / mask["true"])
    assert (truth[:4, :, 3] == 0).all()


def test_only_the_tasks_of_the_model_are_shown(tmp_path: Path, data: InMemory) -> None:
    recipe = Tiny()
    tasks = [task for task in recipe.tasks() if task.name == "spot"]
    model = MultiTaskModel(Hard(recipe.encoder()), tasks, example=torch.zeros(2, 1, 8, 8))
    write_gallery(tmp_path, model, recipe, data, count=2)
    assert [[view["task"] for view in each["views"]] for each in read(tmp_path)] == [["spot"]] * 2


def test_no_more_examples_than_there_are(
    tmp_path: Path, model: MultiTaskModel, data: InMemory
) -> None:
    write_gallery(tmp_path, model, Tiny(), data, count=50)
    assert len(read(tmp_path)) == 7


def test_no_example_writes_nothing(tmp_path: Path, model: MultiTaskModel, data: InMemory) -> None:
    write_gallery(tmp_path, model, Tiny(), data, count=0)
    assert not list(tmp_path.iterdir())


class Shown(Tiny):
    """Every geometry that a page can show beside class, mask and point."""

    def tasks(self) -> list[BaseTask]:
        return [
            DenseRegression("depth"),
            MultiLabel("seen", labels=2, names=["square", "noise"]),
            Regression("size"),
            Regression("box", outputs=4, vector=True, geometry="box"),
            Task("own", head=lambda shape: ScalarHead(shape, 1), loss=nn.functional.mse_loss),
        ]


def test_each_task_shows_its_own_label_and_prediction(tmp_path: Path) -> None:
    recipe = Shown()
    depth = torch.linspace(0, 1, 64).reshape(1, 1, 8, 8)
    depth[..., 0, 0] = math.nan
    targets = {
        "depth": depth,
        "seen": torch.tensor([[1.0, 0.0]]),
        "size": torch.tensor([9.0]),
        "box": torch.tensor([[0.0, 0.0, 0.5, 0.5]]),
        "own": torch.zeros(1, 1),
    }
    data = InMemory(torch.zeros(1, 1, 8, 8), targets)
    model = MultiTaskModel(Hard(recipe.encoder()), recipe.tasks(), example=torch.zeros(2, 1, 8, 8))
    write_gallery(tmp_path, model, recipe, data, count=1)
    views = {view["task"]: view for view in read(tmp_path)[0]["views"]}
    assert list(views) == ["depth", "seen", "size", "box"], "nobody knows how to show the others"
    assert views["seen"]["true"] == ["square"]
    assert views["size"]["true"] == [9.0]
    assert views["box"]["true"] == [0.0, 0.0, 0.5, 0.5]
    true, predicted = (
        pixels(tmp_path / GALLERY / views["depth"][side]) for side in ("true", "predicted")
    )
    assert true[0, 0, 3] == 0, "clear where there is no label"
    assert (true[..., 3].flatten()[1:] == 255).all()
    assert (predicted[..., 3] == 255).all()
    assert (np.diff(true[..., 0].flatten()[1:].astype(int)) >= 0).all(), "far is bright"
    cards = read_cards(tmp_path)
    assert cards is not None
    assert [line.task for line in cards[0].lines] == ["seen", "size", "box"]


def test_inputs_that_cannot_be_shown_have_no_gallery(
    tmp_path: Path, model: MultiTaskModel, data: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tiny, "show", Recipe.show)
    write_gallery(tmp_path / "gallery", model, Tiny(), data, count=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("made", [sentences, sounds, defects, rows])
def test_every_kind_of_input_is_written_and_read(made: Any, tmp_path: Path) -> None:
    examples = made()
    write_gallery(tmp_path, examples.model, examples, examples.data, count=12)
    cards = read_cards(tmp_path)
    assert cards is not None
    assert len(cards) == len(examples.examples)
    kinds = [[type(each).__name__ for each in card.inputs] for card in cards]
    expected = {
        sentences: ["Tagged"],
        sounds: ["Player", "Values"],
        defects: ["Pictures"],
        rows: ["Values"],
    }
    assert kinds == [expected[made]] * len(kinds), "in the order of the inputs"


def test_rows_alone_are_shown_when_asked_for(tmp_path: Path) -> None:
    made = rows()
    write_gallery(tmp_path, made.model, made, made.data)
    assert not list(tmp_path.iterdir()), "a report is passed on, and rows may be about people"
    write_gallery(tmp_path, made.model, made, made.data, count=2)
    assert len(read(tmp_path)) == 2
    other = sounds()
    write_gallery(tmp_path, other.model, other, other.data)
    assert len(read(tmp_path)) == 4


def test_a_mask_without_any_label_has_no_true_side(tmp_path: Path) -> None:
    made = defects()
    write_gallery(tmp_path, made.model, made, made.data, count=3)
    shown = {view["predicted"]: view for each in read(tmp_path) for view in each["views"]}
    without = [view for view in shown.values() if view["true"] is None]
    assert len(without) == 1
    assert all(each["true"] is None for each in without[0]["classes"])
    assert not list((tmp_path / GALLERY).glob("002*-true.png"))


def test_what_is_nothing_to_show_is_named(
    tmp_path: Path, model: MultiTaskModel, data: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tiny, "show", lambda self, inputs: np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(
        ConfigError, match="`show` of the recipe Tiny must return a list of Picture"
    ):
        write_gallery(tmp_path, model, Tiny(), data, count=3)


def test_a_task_of_any_name_has_files_within_the_gallery(tmp_path: Path) -> None:
    made = defects()
    made._tasks[0].name = "../../defect"
    for each in made.examples:
        each.targets["../../defect"] = each.targets.pop("defect")
        each.predictions["../../defect"] = each.predictions.pop("defect")
    write_gallery(tmp_path / "run", made.model, made, made.data, count=2)
    assert {path.name for path in tmp_path.iterdir()} == {"run"}
    assert {path.name for path in (tmp_path / "run").iterdir()} == {GALLERY}


def test_a_stream_has_no_gallery(tmp_path: Path, model: MultiTaskModel) -> None:
    class Endless(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            raise NotImplementedError

    write_gallery(tmp_path, model, Tiny(), Endless(), count=3)
    assert not list(tmp_path.iterdir())


def test_examples_of_several_sources_show_the_tasks_that_they_have(
    tmp_path: Path, model: MultiTaskModel, data: InMemory
) -> None:
    examples = [data[i] for i in range(2)]
    del examples[0][1]["mask"], examples[0][1]["spot"]
    del examples[1][1]["quarter"]
    write_gallery(tmp_path, model, Tiny(), examples, count=2)
    shown = [[view["task"] for view in each["views"]] for each in read(tmp_path)]
    assert sorted(shown) == [["mask", "spot"], ["quarter"]]


def test_of_several_data_sets_those_with_nothing_but_rows_are_left_out(tmp_path: Path) -> None:
    made = sounds()
    made.examples[0].shown = [Row({"age": "41"})]
    made.examples[1].shown = []
    write_gallery(tmp_path, made.model, made, made.data)
    kinds = [[each["kind"] for each in example["inputs"]] for example in read(tmp_path)]
    assert kinds == [["sound", "row"]] * 2
    write_gallery(tmp_path, made.model, made, made.data, count=4)
    kinds = [[each["kind"] for each in example["inputs"]] for example in read(tmp_path)]
    assert sorted(kinds) == [["row"], ["sound", "row"], ["sound", "row"]]
