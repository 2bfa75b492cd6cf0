"""Families side by side: what is in the file is what the runs say, and the arithmetic is right."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from plait.core.errors import ConfigError, RunExistsError
from plait.experiments import Families, compare_families, with_defaults
from plait.experiments.families import MEMBERS
from tests.experiments.tiny import TINY, tree
from tests.training.problem import events

SETTINGS = with_defaults({"recipe": TINY, "epochs": 1, "gallery": 1})
TASKS = ("quarter", "mask", "spot")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Families, Path]:
    folder = tmp_path_factory.mktemp("families")
    return compare_families(SETTINGS, folder, title="Squares"), folder


def test_the_file_is_what_was_returned(made: tuple[Families, Path]) -> None:
    found, folder = made
    assert json.loads((folder / "families.json").read_text()) == asdict(found)
    assert found.title == "Squares"
    assert list(found.single) == list(TASKS)
    assert [run.folder for run in found.runs] == [member.folder for member in MEMBERS]


def test_each_family_has_a_member_of_its_own(made: tuple[Families, Path]) -> None:
    _, folder = made
    configs = {
        m.folder: yaml.safe_load((folder / m.folder / "config.yaml").read_text()) for m in MEMBERS
    }
    shared, regularised, connected = configs.values()
    assert shared["sharing"]["class"] == "Hard"
    assert regularised["sharing"]["class"] == connected["sharing"]["class"] == "Separate"
    assert regularised["regularization"]["strength"] > 0
    assert connected["regularization"] is None
    assert connected["connections"]
    assert {config["balancing"]["class"] for config in configs.values()} == {"Equal"}


def test_rows_and_gains_are_those_of_the_runs(made: tuple[Families, Path]) -> None:
    found, folder = made
    joint = {run.folder: events(folder / run.folder)[-1] for run in found.runs}
    gains: dict[str, dict[str, list[float]]] = {run.folder: {} for run in found.runs}
    for row in found.rows:
        single = events(folder / found.single[row.task])[-1]
        assert row.single == single["metrics"][row.task][row.metric]
        for name, value in row.values.items():
            assert value == joint[name]["metrics"][row.task][row.metric]
            sign = 1 if row.higher_is_better else -1
            change = 100 * sign * (value - row.single) / abs(row.single)
            assert row.changes[name] == pytest.approx(change)
            gains[name].setdefault(row.task, []).append(change)
    for run in found.runs:
        means = [sum(each) / len(each) for each in gains[run.folder].values()]
        assert run.delta_m == pytest.approx(sum(means) / len(TASKS))


def test_separate_networks_have_the_parameters_of_the_single_ones(
    made: tuple[Families, Path],
) -> None:
    found, _ = made
    sizes = {run.folder: run.parameters for run in found.runs}
    assert sizes["tied"] == found.parameters["single"] > sizes["shared"]
    assert sizes["connected"] > found.parameters["single"]


def test_a_folder_that_holds_runs_is_not_touched(made: tuple[Families, Path]) -> None:
    _, folder = made
    before = tree(folder)
    with pytest.raises(RunExistsError, match="already holds a run"):
        compare_families(SETTINGS, folder, title="Again")
    assert tree(folder) == before


def test_wrong_settings_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown setting 'epoch'"):
        compare_families({**SETTINGS, "epoch": 1}, tmp_path / "new", title="")
    assert not (tmp_path / "new").exists()
