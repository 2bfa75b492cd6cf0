"""The Landmine recipe: both classes in every split of every field, and the area under the curve."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from plait import MultiTaskModel
from plait.core.errors import ConfigError, DataError
from plait.data import Disjoint, collate
from plait.evaluation import evaluate
from plait.experiments import build_job, run, validate, with_defaults
from plait.recipes import Landmine
from plait.sharing import Separate
from plait.tasks import Binary
from tests.recipes.stepping import learns_from
from tests.recipes.table_folders import assert_pooled, landmine, real, write

NAMES = ["field-00", "field-01", "field-02"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"), "landmine", landmine())


def tables(recipe: Landmine) -> dict[str, Disjoint]:
    found = recipe.splits()
    assert all(isinstance(each, Disjoint) for each in found.values())
    return dict(found)


def test_mines_and_places_without_are_divided_alike(folder: Path) -> None:
    """8 of 40, 6 of 30 and 10 of 50 places have a mine."""
    splits = tables(Landmine(data=folder))
    found = {
        split: [(len(y), int(y.sum())) for y in each.targets.values()]
        for split, each in splits.items()
    }
    assert found == {
        "train": [(24, 5), (17, 3), (30, 6)],
        "val": [(6, 1), (5, 1), (8, 2)],
        "test": [(10, 2), (8, 2), (12, 2)],
    }


def test_pooled_places_have_a_label_of_their_own_field(folder: Path) -> None:
    assert_pooled(Landmine(data=folder, pooled=True).splits(), tables(Landmine(data=folder)))


def test_every_place_is_there_once_with_its_features(folder: Path) -> None:
    arrays, splits = landmine(), tables(Landmine(data=folder))
    for number, name in enumerate(NAMES):
        own = arrays["task"] == number
        x = torch.cat([each.inputs[name] for each in splits.values()]).numpy()
        y = torch.cat([each.targets[name] for each in splits.values()]).numpy()
        assert y.shape == (own.sum(), 1)
        expected = np.c_[arrays["x"][own], arrays["y"][own]]
        found = np.c_[x, y]
        assert np.array_equal(found[found[:, 0].argsort()], expected[expected[:, 0].argsort()])


def test_tasks_are_yes_or_no(folder: Path) -> None:
    for task, name in zip(Landmine(data=folder).tasks(), NAMES, strict=True):
        assert isinstance(task, Binary)
        assert (task.name, next(iter(task.metric_prototypes))) == (name, "auroc")


def test_the_metric_is_the_area_under_the_curve(folder: Path) -> None:
    recipe = Landmine(data=folder)
    splits = tables(recipe)
    example = collate([splits["test"][0]])[0]
    model = MultiTaskModel(Separate(recipe.encoder()), recipe.tasks(), example=example)
    data = splits["test"]
    statistics = {
        task.name: task.summarise(splits["train"].targets[task.name]) for task in recipe.tasks()
    }
    batches = [collate([data[i] for i in part]) for part in (range(17), range(17, len(data)))]
    found = evaluate(model, batches, statistics=statistics)
    for name in NAMES:
        head = model.heads[f"task:{name}"]
        weight, bias = (p.detach() for p in head.parameters())
        logits = data.inputs[name] @ weight.T + bias
        expected = roc_auc_score(data.targets[name][:, 0], logits[:, 0])
        assert found.metrics[name]["auroc"] == pytest.approx(expected)
        assert found.trivial[name]["auroc"] == 0.5
        assert found.higher_is_better[name]["auroc"]


def broken(key: str, row: int, value: float) -> dict[str, Any]:
    arrays = landmine()
    arrays[key][row] = value
    return arrays


def with_mines(count: int) -> dict[str, Any]:
    arrays = landmine()
    mines = np.flatnonzero((arrays["task"] == 1) & (arrays["y"] == 1))
    arrays["y"][mines[count:]] = 0
    return arrays


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (broken("y", 5, 2), "`y` .* must be 0 or 1; found 2 in row 5"),
        (broken("task", 5, 29), r"`task` .* must be 0\.\.28; found 29 in row 5"),
        (with_mines(2), "each need a row of field-01 with a mine; found 2 in all"),
    ],
)
def test_data_out_of_their_range_are_refused(
    arrays: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=words):
        Landmine(data=write(tmp_path, "landmine", arrays))


def test_three_mines_are_one_for_each_split(tmp_path: Path) -> None:
    splits = tables(Landmine(data=write(tmp_path, "landmine", with_mines(3)), split=4))
    assert [int(each.targets["field-01"].sum()) for each in splits.values()] == [1, 1, 1]


def test_the_split_is_named_by_a_whole_number(folder: Path) -> None:
    with pytest.raises(ConfigError, match="`split` must be a whole number"):
        Landmine(data=folder, split=0.5)  # type: ignore[arg-type]


def test_the_model_learns(folder: Path) -> None:
    recipe = Landmine(data=folder, hidden=[5])
    data = recipe.splits()["train"]
    outputs = learns_from(recipe, [data[index] for index in range(len(data))])
    assert [list(each.shape) for each in outputs.values()] == [[24, 1], [17, 1], [30, 1]]


def test_a_run_is_better_than_a_constant(folder: Path, tmp_path: Path) -> None:
    settings = with_defaults({"recipe": "landmine", "data": str(folder), "epochs": 40})
    result = run(validate({**settings, "device": "cpu"}), tmp_path / "run")
    assert not (tmp_path / "run/gallery").exists()
    model = MultiTaskModel.from_pretrained(tmp_path / "run/model")
    assert model.tasks["field-00"].names == ["clear", "mine"]
    for name in NAMES:
        assert result.test.trivial[name]["auroc"] == 0.5
        assert result.test.metrics[name]["auroc"] > 0.8


def test_defaults_can_be_built(folder: Path) -> None:
    settings = with_defaults({"recipe": "landmine", "data": str(folder)})
    trainer = build_job(validate(settings), Path("unused")).trainer
    assert isinstance(trainer.model.sharing, Separate)
    assert trainer.options.epochs == Landmine.defaults["epochs"]


def test_the_real_data() -> None:
    recipe = Landmine(data=real("landmine"))
    assert len(recipe.tasks()) == 29
    splits = tables(recipe)
    assert sum(map(len, splits.values())) == 14820
    assert sum(int(y.sum()) for each in splits.values() for y in each.targets.values()) == 904
    for each in splits.values():
        assert all(0 < int(y.sum()) < len(y) for y in each.targets.values())
