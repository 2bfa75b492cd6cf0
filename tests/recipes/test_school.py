"""The School recipe: inputs, scores, splits, and a model of one regression for each school."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from plait import MultiTaskModel
from plait.core.errors import ConfigError, DataError
from plait.data import Disjoint
from plait.experiments import build_job, resume_run, run, validate, with_defaults
from plait.recipes import School
from plait.sharing import Separate
from plait.tasks import Regression
from tests.cli.shell import plait
from tests.recipes.stepping import learns_from
from tests.recipes.table_folders import assert_pooled, real, school, write
from tests.training.problem import StopAt, Stopped, assert_same_run

NAMES = ["school-00", "school-01", "school-02"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"), "school", school())


def tables(recipe: School) -> dict[str, Disjoint]:
    found = recipe.splits()
    assert all(isinstance(each, Disjoint) for each in found.values())
    return dict(found)


# --- data -----------------------------------------------------------------------------------


def test_every_pupil_is_in_one_split_with_the_own_score(folder: Path) -> None:
    arrays, splits = school(), tables(School(data=folder))
    sizes = {split: [len(each) for each in t.targets.values()] for split, t in splits.items()}
    assert sizes == {"train": [12, 4, 18], "val": [3, 1, 5], "test": [5, 2, 8]}
    for number, name in enumerate(NAMES):
        own = arrays["task"] == number
        found = torch.cat([each.targets[name] for each in splits.values()])
        assert sorted(found.tolist()) == sorted(arrays["y"][own].tolist())


def test_indicators_are_as_they_are_and_percentages_on_one_scale(folder: Path) -> None:
    """Every row is looked up in the file by its indicators, score and school."""
    arrays, recipe = school(), School(data=folder)
    splits = tables(recipe)
    of_file = {
        (int(task), *row[:3], *row[5:27], y): row[3:5]
        for row, y, task in zip(arrays["x"], arrays["y"], arrays["task"], strict=True)
    }
    seen: dict[str, list[Any]] = {split: [] for split in splits}
    scaled: dict[str, list[Any]] = {split: [] for split in splits}
    for split, each in splits.items():
        for number, name in enumerate(NAMES):
            assert each.inputs[name].shape[1] == 27
            for row, y in zip(each.inputs[name].numpy(), each.targets[name], strict=True):
                seen[split].append(of_file[number, *row[:3], *row[5:], float(y)])
                scaled[split].append(row[3:5])
    train = np.array(seen["train"], dtype=float)
    for split in splits:
        expected = (np.array(seen[split]) - train.mean(axis=0)) / train.std(axis=0)
        np.testing.assert_allclose(np.array(scaled[split]), expected, rtol=1e-5, atol=1e-6)


def test_pooled_pupils_have_a_label_of_their_own_school(folder: Path) -> None:
    assert_pooled(School(data=folder, pooled=True).splits(), tables(School(data=folder)))


def test_scores_are_in_points_and_errors_in_deviations_of_all_training_scores(
    folder: Path,
) -> None:
    recipe = School(data=folder)
    scores = torch.cat(list(tables(recipe)["train"].targets.values()))
    for task, name in zip(recipe.tasks(), NAMES, strict=True):
        assert isinstance(task, Regression)
        assert task.name == name
        assert task.mean == pytest.approx(scores.mean().item())
        assert task.scale == pytest.approx(scores.std(correction=0).item())


def test_what_never_varies_keeps_its_unit(tmp_path: Path) -> None:
    arrays = school()
    arrays["x"][:, 3] = 40
    arrays["y"][:] = 12
    recipe = School(data=write(tmp_path, "school", arrays))
    assert all(not bool(table[:, 3].any()) for table in tables(recipe)["train"].inputs.values())
    assert {(task.mean, task.scale) for task in recipe.tasks()} == {(12.0, 1.0)}


def test_another_split_divides_otherwise(folder: Path) -> None:
    first, again, other = (tables(School(data=folder, split=split)) for split in (0, 0, 1))
    one = first["test"].inputs["school-02"]
    assert torch.equal(one, again["test"].inputs["school-02"])
    assert not torch.equal(one, other["test"].inputs["school-02"])
    with pytest.raises(ConfigError, match="`split` must be a whole number"):
        School(data=folder, split=-1)


def broken(key: str, row: int, column: int | None, value: int) -> dict[str, Any]:
    arrays = school()
    arrays[key][row if column is None else (row, column)] = value
    return arrays


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (broken("x", 5, 8, 2), r"`x` .* must be 0 or 1, and 0\.\.100 .* found 2.0 in row 5, col"),
        (broken("x", 5, 3, 101), r"`x` .* found 101.0 in row 5, column 3"),
        (broken("x", 6, 27, 0), r"`x` .* must be 1 in the last column; found 0.0 in row 6"),
        (broken("y", 7, None, 0), r"`y` .* must be 1\.\.70; found 0 in row 7"),
        (broken("y", 7, None, 71), r"`y` .* must be 1\.\.70; found 71 in row 7"),
        (school(sizes=(9, 2)), "each need a row of school-01; found 2 in all"),
    ],
)
def test_values_out_of_their_range_are_refused(
    arrays: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=words):
        School(data=write(tmp_path, "school", arrays))


# --- model ----------------------------------------------------------------------------------


def test_by_default_each_school_has_a_linear_model(folder: Path) -> None:
    recipe = School(data=folder)
    data = recipe.splits()["train"]
    outputs = learns_from(recipe, [data[index] for index in range(len(data))])
    assert {task: list(found.shape) for task, found in outputs.items()} == {
        "school-00": [12, 1],
        "school-01": [4, 1],
        "school-02": [18, 1],
    }
    assert not list(recipe.encoder().parameters())


def test_blocks_can_be_shared(folder: Path) -> None:
    encoder = School(data=folder, hidden=[6, 4]).encoder()
    assert [list(p.shape) for p in encoder.parameters()] == [[6, 27], [6], [4, 6], [4]]


def test_the_model_is_read_back_from_its_folder(folder: Path, tmp_path: Path) -> None:
    settings = with_defaults({"recipe": "school", "data": str(folder), "epochs": 1})
    result = run(validate({**settings, "device": "cpu"}), tmp_path / "run")
    model = MultiTaskModel.from_pretrained(tmp_path / "run/model")
    assert isinstance(model.sharing, Separate)
    assert sum(p.numel() for p in model.parameters()) == result.parameters == 3 * 28


def test_there_is_no_gallery_and_the_report_says_so(folder: Path, tmp_path: Path) -> None:
    ran = plait("train", "school", "epochs=2", "--data", folder, "--out", tmp_path / "run")
    assert ran.code == 0, ran.err
    assert not (tmp_path / "run/gallery").exists()
    assert "no gallery/gallery.json" in (tmp_path / "run/report.html").read_text()
    assert School(data=folder).show(torch.zeros(27)) == []


def test_heads_can_be_tied_from_the_command_line(folder: Path, tmp_path: Path) -> None:
    """So strongly that the schools end with one model."""
    tie = ("regularization=PairwiseL2", "regularization.mode=prox", "regularization.strength=1e6")
    words = ("sharing=Separate", *tie, "regularization.heads=true", "epochs=2", "device=cpu")
    out = tmp_path / "run"
    ran = plait("train", "school", *words, "--data", folder, "--out", out, "--json")
    assert ran.code == 0, ran.err
    model = MultiTaskModel.from_pretrained(out / "model")
    first, *others = [
        torch.cat([p.flatten() for p in h.parameters()]) for h in model.heads.values()
    ]
    for other in others:
        torch.testing.assert_close(other, first, rtol=1e-4, atol=1e-5)


def test_one_school_can_be_trained_alone(folder: Path, tmp_path: Path) -> None:
    """Though most batches of all pupils would have none of it."""
    settings = {"recipe": "school", "data": str(folder), "tasks": ["school-01"], "batch_size": 1}
    job = build_job(validate(with_defaults({**settings, "epochs": 1})), tmp_path / "run")
    assert {split: len(each) for split, each in job.loaders.items()} == {
        "train": 4,
        "val": 1,
        "test": 2,
    }
    job.trainer.fit(job.loaders["train"], job.loaders["val"])


def test_a_run_is_resumed_to_the_last_bit(folder: Path, tmp_path: Path) -> None:
    settings = {"recipe": "school", "data": str(folder), "batch_size": 5, "epochs": 3}
    tie = {"class": "PairwiseL2", "strength": 0.1, "heads": True}
    config = validate(
        with_defaults({**settings, "regularization": tie, "checkpoint_every": 1, "device": "cpu"})
    )
    expected = run(config, tmp_path / "whole")
    with pytest.raises(Stopped):
        run(config, tmp_path / "cut", callbacks=[StopAt("on_step_end", 9)])
    assert resume_run(tmp_path / "cut").test == expected.test
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_defaults_can_be_built(folder: Path) -> None:
    job = build_job(
        validate(with_defaults({"recipe": "school", "data": str(folder)})), Path("unused")
    )
    assert isinstance(job.trainer.model.sharing, Separate)
    assert job.trainer.options.epochs == School.defaults["epochs"]


# --- the real data --------------------------------------------------------------------------


def test_the_real_data() -> None:
    recipe = School(data=real("school"))
    assert len(recipe.tasks()) == 139
    sizes = {split: len(data) for split, data in recipe.splits().items()}
    assert sum(sizes.values()) == 15362
    assert abs(sizes["test"] / 15362 - 0.25) < 0.005
    assert abs(sizes["val"] / 15362 - 0.15) < 0.005
    train = tables(recipe)["train"]
    rows = torch.cat(list(train.inputs.values()))
    torch.testing.assert_close(rows[:, 3:5].mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(rows[:, 3:5].std(0), torch.ones(2), atol=1e-3, rtol=0)
    others = rows[:, [0, 1, 2, *range(5, 27)]]
    assert bool(((others == 0) | (others == 1)).all())
    assert bool((rows[:, :3].sum(dim=1) == 1).all()), "one year for each pupil"
