"""A problem is opened once and serves many runs."""

from pathlib import Path
from typing import Any

import pytest
import torch

from plait.core.errors import ConfigError, DataError
from plait.experiments import build_job, open_problem, run, validate, with_defaults
from plait.experiments.config import RunConfig
from tests.experiments.tiny import TINY, Tiny
from tests.recipes.a_table import TASKS, table
from tests.recipes.a_table import settings as of_a_table
from tests.recipes.pet_folders import write_pets3
from tests.training.problem import assert_same_run


def config(**settings: Any) -> RunConfig:
    return validate(with_defaults({"recipe": TINY, **settings}))


def test_a_data_folder_where_it_is_read_and_only_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="brings its own data; leave out --data"):
        open_problem(config(data=str(tmp_path)))
    with pytest.raises(ConfigError, match="reads a data folder; name it with --data DIR"):
        open_problem(config(recipe="pets"))
    with pytest.raises(DataError, match="there is no such folder"):
        open_problem(config(recipe="pets", data=str(tmp_path / "nowhere")))
    problem = open_problem(config(recipe="pets", data=str(write_pets3(tmp_path / "pets"))))
    sizes = {split: len(data) for split, data in problem.splits(problem.tasks()).items()}
    assert sizes == {"train": 9, "val": 3, "test": 9}


def test_tasks_are_chosen_weighted_and_new_each_time() -> None:
    problem = open_problem(config())
    assert [task.name for task in problem.tasks()] == ["quarter", "mask", "spot"]
    assert [task.name for task in problem.tasks(["spot", "mask"])] == ["spot", "mask"]
    first, second = problem.tasks({"quarter": None, "mask": {"weight": 2.5}})
    assert (first.name, first.weight, second.name) == ("mask", 2.5, "spot")
    assert problem.tasks(["mask"])[0] is not second
    assert problem.tasks(["mask"])[0].weight == 1


def test_a_run_on_a_table_has_its_own_weights(tmp_path: Path) -> None:
    """Whatever those are with which the table was opened."""
    table().to_csv(tmp_path / "table.csv", index=False)
    opened = {**TASKS, "spend": {"kind": "number", "weight": 4.0}}
    of_run = {**TASKS, "plan": {**TASKS["plan"], "weight": 0.5}}
    problem = open_problem(validate(of_a_table(table=str(tmp_path / "table.csv"), tasks=opened)))
    weights = {task.name: task.weight for task in problem.tasks(opened)}
    assert weights == {"spend": 4.0, "plan": 1.0, "left": 1.0, "topics": 1.0}
    weights = {task.name: task.weight for task in problem.tasks(of_run)}
    assert weights == {"spend": 1.0, "plan": 0.5, "left": 1.0, "topics": 1.0}


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("unknown task 'maks'; .*Did you mean 'mask'", ["maks"]),
        ("unknown task 'sopt'; .*Did you mean 'spot'", {"sopt": {"weight": 2.0}}),
        ("unknown task 'sopt'; .*Did you mean 'spot'", {"sopt": None}),
        ("weight of task 'mask' must be positive; found -1", {"mask": {"weight": -1.0}}),
        ("weight of task 'mask' must be positive; found 'x'", {"mask": {"weight": "x"}}),
        ("task 'mask' of Tiny has the option `weight` alone; found 'kind'", {"mask": "number"}),
        ("a run needs a task", {"mask": None, "spot": None, "quarter": None}),
    ],
)
def test_tasks_that_the_problem_does_not_have(words: str, chosen: Any) -> None:
    with pytest.raises(ConfigError, match=words):
        open_problem(config()).tasks(chosen)


def test_runs_of_one_problem_are_those_that_open_it_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data are read once, and what one run did to them shows in no other."""
    reads = []
    splits = Tiny.splits
    monkeypatch.setattr(Tiny, "splits", lambda self: reads.append(1) or splits(self))
    joint, alone = config(epochs=1), config(epochs=1, tasks=["mask"])
    problem = open_problem(joint)
    run(alone, tmp_path / "a", problem=problem)
    run(joint, tmp_path / "b", problem=problem)
    assert len(reads) == 1
    run(alone, tmp_path / "a2")
    run(joint, tmp_path / "b2")
    assert len(reads) == 3
    for name in ("a", "b"):
        assert_same_run(tmp_path / name, tmp_path / f"{name}2")


def test_a_recipe_or_a_table_is_needed() -> None:
    with pytest.raises(ConfigError, match="name a table or a recipe"):
        open_problem(validate({"epochs": 3}))


def test_settings_of_tables_have_no_effect_on_other_recipes() -> None:
    for setting, value in (("table", "x.csv"), ("split", "part"), ("inputs", {"a": "number"})):
        with pytest.raises(ConfigError, match=f"`{setting}` is a setting of tables"):
            open_problem(config(**{setting: value}))


def test_a_problem_serves_only_runs_that_are_about_it(tmp_path: Path) -> None:
    problem = open_problem(config())
    other = config(recipe={"class": TINY, "examples": 8})
    with pytest.raises(
        ConfigError, match=r"was opened with recipe .*Tiny.*; found .*'examples': 8"
    ):
        build_job(other, tmp_path, problem=problem)


def test_encoders_are_new_and_drawn_from_torchs_generator() -> None:
    problem = open_problem(config())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first, second = problem.encoder(), problem.encoder()
        torch.manual_seed(0)
        again = problem.encoder()
    for one, other, same in zip(
        first.parameters(), second.parameters(), again.parameters(), strict=True
    ):
        assert one is not other
        assert torch.equal(one, same)
