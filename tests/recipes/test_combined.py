"""Several recipes in one training."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from plait import MultiTaskModel, Trainer
from plait.core.errors import ConfigError
from plait.data import EachOnce, InMemory, Mixture, Source
from plait.data.images import pixels
from plait.data.shown import Picture, Shown
from plait.encoders import ConvEncoder, Stems
from plait.recipes import Combined, Recipe, Table
from plait.sharing import Hard
from plait.tasks import BaseTask, Classification


class Shapes(Recipe):
    """Little pictures."""

    def __init__(self, rows: int = 12, classes: int = 2) -> None:
        self.rows = rows
        self.classes = classes

    def tasks(self) -> list[BaseTask]:
        return [Classification("shape", classes=self.classes), Classification("ink", classes=2)]

    def encoder(self) -> nn.Module:
        return ConvEncoder(in_channels=1, widths=(4,))

    def splits(self) -> Mapping[str, Any]:
        labels = torch.arange(self.rows) % 2
        targets = {"shape": labels, "ink": labels}
        data = InMemory(torch.rand(self.rows, 1, 8, 8), targets)
        return dict.fromkeys(("train", "val", "test"), data)

    @property
    def notes(self) -> Sequence[str]:
        return ["drawn by hand"]

    def show(self, inputs: Any) -> Sequence[Shown]:
        return [Picture(pixels(inputs))]


def a_table(rows: int = 30, tasks: dict[str, Any] | None = None) -> Table:
    frame = pd.DataFrame(
        {"x": [float(i) for i in range(rows)], "y": [float(i) for i in range(rows)]}
    )
    frame["split"] = ["train", "val", "test"] * (rows // 3)
    described = {"y": "number"} if tasks is None else tasks
    return Table(data=frame, inputs={"x": "number"}, tasks=described, split="split")


def test_sources_of_one_recipe_have_one_encoder() -> None:
    made = Combined({"a": Shapes(), "b": Shapes(rows=4)})
    assert [task.name for task in made.tasks()] == ["shape", "ink"]
    assert isinstance(made.encoder(), ConvEncoder)
    splits = made.splits()
    assert len(splits["train"]) == 16
    assert list(made.notes) == ["source 'a': drawn by hand", "source 'b': drawn by hand"]
    (shown,) = made.show_example("test", 13, splits["test"][13][0])
    assert isinstance(shown, Picture)


def test_other_sources_have_stems_before_a_layer() -> None:
    made = Combined({"shapes": Shapes(), "rows": a_table()}, tasks={"shapes": ["shape"]})
    tasks = made.tasks()
    assert [task.name for task in tasks] == ["shape", "y"]
    encoder = made.encoder()
    assert isinstance(encoder, Stems)
    train, val = made.splits()["train"].by_source, made.splits()["val"].by_source
    example = {name: made.example(name) for name in train}
    model = MultiTaskModel(Hard(encoder), tasks, example=example)
    sources = {name: Source(data, batch_size=4) for name, data in train.items()}
    measured = EachOnce(
        {name: Source(data, batch_size=4) for name, data in val.items()}, tasks=tasks, stems=True
    )
    mixture = Mixture(sources, tasks=tasks, stems=True)
    state = Trainer(model, epochs=1, device="cpu", progress=False).fit(mixture, measured)
    assert set(state.examples) <= {"shapes", "rows"}
    assert sum(state.examples.values()) > 10
    keyed = {"shapes": train["shapes"][0][0]}
    assert made.show_example("test", 0, keyed)


def test_two_tables_have_a_stem_each() -> None:
    assert Combined({"a": a_table(), "b": a_table()}).stems


def test_tasks_that_all_sources_have_can_be_trained_alone() -> None:
    both = Combined({"a": Shapes(), "b": Shapes(rows=4)})
    both.check_alone(["shape", "ink"])
    other = Combined({"a": Shapes(), "b": Shapes(rows=4)}, tasks={"b": ["ink"]})
    other.check_alone(["ink"])
    with pytest.raises(ConfigError, match=r"source 'b' has no labels of shape\..*plait train"):
        other.check_alone(["shape", "ink"])
    with pytest.raises(ConfigError, match=r"tasks=\[shape,ink\]"):
        both.check_alone(["shape", "ink", "other"])


def test_clashes_and_unknown_tasks_are_named() -> None:
    with pytest.raises(ConfigError, match=r"'a' and 'b' must define task 'shape' alike"):
        Combined({"a": Shapes(), "b": Shapes(classes=5)}).tasks()
    with pytest.raises(ConfigError, match=r"unknown task of source 'a' 'shap'.*'shape'"):
        Combined({"a": Shapes()}, tasks={"a": ["shap"]}).tasks()
    with pytest.raises(ConfigError, match="a mixture needs sources"):
        Combined({})
