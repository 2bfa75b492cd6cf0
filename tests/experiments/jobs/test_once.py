"""A run is reused, gone on with or begun anew, by what its folder holds."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from plait.core.errors import RunExistsError
from plait.experiments.build.names import with_defaults
from plait.experiments.config import validate
from plait.experiments.jobs import RunSpec
from plait.experiments.jobs.once import BEGUN, _problem_of, once
from plait.experiments.run import run
from plait.training import Callback, Trainer
from tests.experiments.jobs.tiny_runs import config_of, numbers_in, stamp
from tests.experiments.tiny import tree


class Killed(BaseException):
    """What no code of the training catches, as a killed process runs none."""


class Kills(Callback):
    """Ends the training at a step, without a checkpoint."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        if trainer.state.step == self.step:
            raise Killed


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    run(config_of(), folder)
    return folder


def test_a_new_run_is_that_of_run_itself(undisturbed: Path, tmp_path: Path) -> None:
    result = once(RunSpec(config_of(), tmp_path / "run"))
    assert result.seed == 0
    assert numbers_in(tmp_path / "run") == numbers_in(undisturbed)


def test_a_finished_run_is_not_touched(undisturbed: Path) -> None:
    before, content = stamp(undisturbed), tree(undisturbed)
    once(RunSpec(config_of(), undisturbed))
    content |= {".lock": tree(undisturbed)[".lock"]}
    assert (stamp(undisturbed), tree(undisturbed)) == (before, content)


@pytest.mark.parametrize("step", [1, 3, 4])  # in the first epoch, at its end, in the second
def test_an_interrupted_run_ends_as_if_nothing_had_been(
    step: int, undisturbed: Path, tmp_path: Path
) -> None:
    spec = RunSpec(config_of(), tmp_path / "run")
    with pytest.raises(Killed):
        once(spec, [Kills(step)])
    assert not (spec.folder / "result.json").exists()
    once(spec)
    assert numbers_in(spec.folder) == numbers_in(undisturbed)
    steps = [
        line for line in (spec.folder / "events.jsonl").read_text().splitlines() if '"step"' in line
    ]
    assert len(steps) == len(set(steps))


@pytest.mark.parametrize("kept", range(len(BEGUN) + 1))
def test_what_was_written_before_the_first_checkpoint_is_begun_anew(
    kept: int, undisturbed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in BEGUN[:kept]:
        if (undisturbed / name).exists():
            shutil.copy(undisturbed / name, folder / name)
    (folder / "notes.txt").write_text("of the user")
    once(RunSpec(config_of(), folder))
    assert numbers_in(folder) == numbers_in(undisturbed)
    assert (folder / "notes.txt").read_text() == "of the user"


def test_a_trained_model_is_never_cleared_away(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(undisturbed, folder)
    shutil.rmtree(folder / "checkpoints")
    (folder / "result.json").unlink()
    with pytest.raises(RunExistsError, match="a model but no checkpoint"):
        once(RunSpec(config_of(), folder))
    assert (folder / "model").is_dir()


def test_one_that_was_not_tested_is_tested_without_training(
    undisturbed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    assert not once(RunSpec(config_of(), folder, test=False)).tested
    assert once(RunSpec(config_of(), folder), [Kills(1)]).tested
    assert numbers_in(folder) == numbers_in(undisturbed)


def test_a_task_alone_is_tested_on_the_rows_of_all(tmp_path: Path) -> None:
    rows = pd.DataFrame({"x": range(80), "a": [i % 5 for i in range(80)], "b": ["u", "v"] * 40})
    rows.loc[::7, "b"] = None
    rows.to_csv(tmp_path / "t.csv", index=False)
    described = {"table": str(tmp_path / "t.csv"), "inputs": {"x": "number"}, "epochs": 1}
    both = validate(with_defaults({**described, "tasks": {"a": "number", "b": "category"}}))
    alone = both.model_copy(update={"tasks": {"a": {"kind": "number"}, "b": None}})
    rows_of = [_problem_of(each).recipe.rows["test"].tolist() for each in (alone, both)]
    assert rows_of[0] != rows_of[1]
    problem = _problem_of(both)
    once(RunSpec(alone, tmp_path / "alone", problem=both))
    assert _problem_of(both) is problem


def test_the_data_are_read_once_until_they_change(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    pd.DataFrame({"x": range(40), "a": range(40)}).to_csv(file, index=False)
    described = {"table": str(file), "inputs": {"x": "number"}, "tasks": {"a": "number"}}
    config = validate(with_defaults(described))
    first = _problem_of(config)
    assert _problem_of(config.model_copy(update={"seed": 3, "epochs": 7})) is first
    file.write_text(file.read_text() + "41,41\n")
    assert _problem_of(config) is not first
