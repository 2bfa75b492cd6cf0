"""The comparison: what is in it is what its runs say, and the arithmetic is right."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait.core.errors import ConfigError, RunExistsError
from plait.experiments import Comparison, compare, run, validate, with_defaults
from plait.experiments.config import RunConfig
from tests.experiments.tiny import TINY, tree
from tests.training.problem import assert_same_run, events, saved


def config(**settings: Any) -> RunConfig:
    return validate(with_defaults({"recipe": TINY, **settings}))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    """Digits with few scenes, for one epoch."""
    folder = tmp_path_factory.mktemp("compare")
    recipe = {"class": "digits", "scenes": 64, "size": 32}
    settings = with_defaults({"recipe": recipe, "epochs": 1, "batch_size": 16, "gallery": 1})
    return compare(validate(settings), folder, title="Few digits"), folder


def last_line(folder: Path) -> dict[str, Any]:
    """The last line of a run: its test."""
    line = events(folder)[-1]
    assert line["event"] == "test"
    return line


def test_the_file_is_what_was_returned(digits: tuple[Comparison, Path]) -> None:
    found, folder = digits
    assert json.loads((folder / "comparison.json").read_text()) == asdict(found)
    assert found.title == "Few digits"
    assert found.joint == "joint"
    assert found.single == {task: f"single-{task}" for task in ("digit", "mask", "centre")}
    assert "1 epochs" in found.note
    assert "batch size 16" in found.note
    assert "Seed 0" in found.note


def test_rows_are_the_tests_of_the_runs(digits: tuple[Comparison, Path]) -> None:
    found, folder = digits
    joint = last_line(folder / "joint")
    assert {row.task for row in found.rows} == set(found.single)
    for row in found.rows:
        single = last_line(folder / found.single[row.task])
        assert single["metrics"].keys() == {row.task}, "one task alone"
        assert row.joint == joint["metrics"][row.task][row.metric]
        assert row.single == single["metrics"][row.task][row.metric]
        assert row.trivial == joint["trivial"][row.task][row.metric]
        assert row.trivial == single["trivial"][row.task][row.metric]
    metrics = {(task, name) for task, each in joint["metrics"].items() for name in each}
    assert {(row.task, row.metric) for row in found.rows} == metrics


HIGHER = {"accuracy", "f1", "iou", "pixel_accuracy"}
LOWER = {"distance", "mae"}


def test_changes_and_delta_m_by_hand(digits: tuple[Comparison, Path]) -> None:
    """Gain in per cent of the single-task value, mean over metrics, then over tasks."""
    found, _ = digits
    gains: dict[str, list[float]] = {}
    for row in found.rows:
        assert row.metric in HIGHER | LOWER
        assert row.higher_is_better == (row.metric in HIGHER)
        sign = 1 if row.metric in HIGHER else -1
        change = 100 * sign * (row.joint - row.single) / row.single
        assert row.change == pytest.approx(change, abs=1e-9)
        gains.setdefault(row.task, []).append(change)
    expected = sum(sum(each) / len(each) for each in gains.values()) / 3
    assert found.delta_m == pytest.approx(expected, abs=1e-9)


def test_sizes_and_times(digits: tuple[Comparison, Path]) -> None:
    found, folder = digits

    def parameters(name: str) -> int:
        state = saved(folder / name)["optimizer"]["state"]
        return sum(moments["exp_avg"].numel() for moments in state.values())

    learned = 3  # of the balancer, which is no part of the model
    assert found.parameters["joint"] == parameters("joint") - learned
    assert found.parameters["single"] == sum(parameters(name) for name in found.single.values())
    assert found.parameters["joint"] < found.parameters["single"]
    for name, seconds in [
        ("joint", found.seconds["joint"]),
        *((found.single[task], each) for task, each in found.seconds["single"].items()),
    ]:
        line = (folder / name / "events.jsonl").read_text().splitlines()[-2]
        assert seconds == pytest.approx(json.loads(line)["seconds"], abs=0.01)


def test_single_task_runs_are_plain_training(tmp_path: Path) -> None:
    """One encoder, equal weights, nothing of other tasks, no task weight; all else as jointly."""
    joint = config(
        sharing="Separate",
        regularization={"class": "PairwiseL2", "strength": 0.1},
        connections="Lateral",
        balancing={"class": "Equal", "weights": {"mask": 3.0}},
        weights={"spot": 2.0},
        rule="mask/iou",
        tasks=["mask", "spot"],
    )
    compare(joint, tmp_path, title="x")
    for task, rule in (("mask", "mask/iou"), ("spot", "skill")):
        alone = yaml.safe_load((tmp_path / f"single-{task}/config.yaml").read_text())
        expected = joint.described() | {
            "tasks": [task],
            "weights": {},
            "balancing": {"class": "Equal"},
            "sharing": {"class": "Hard"},
            "regularization": None,
            "connections": None,
            "rule": rule,
        }
        assert alone == expected
    written = yaml.safe_load((tmp_path / "joint/config.yaml").read_text())
    assert written == joint.described()


def test_each_run_is_the_one_that_run_makes(tmp_path: Path) -> None:
    """A comparison is nothing but its runs: each can be repeated alone."""
    compare(config(tasks=["quarter", "spot"]), tmp_path / "all", title="x")
    for name in ("joint", "single-quarter", "single-spot"):
        settings = yaml.safe_load((tmp_path / "all" / name / "config.yaml").read_text())
        run(validate(settings), tmp_path / name)
        assert_same_run(tmp_path / name, tmp_path / "all" / name)


@pytest.mark.parametrize("name", ["config.yaml", "comparison.json", "joint/x", "single-mask/x"])
def test_a_folder_that_holds_a_run_is_refused_untouched(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("precious")
    before = tree(tmp_path)
    with pytest.raises(RunExistsError, match="already holds a run; nothing in it was touched"):
        compare(config(), tmp_path, title="x")
    assert tree(tmp_path) == before


def test_wrong_settings_are_found_before_anything_is_trained(tmp_path: Path) -> None:
    wrong = config(balancing={"class": "PCGrad", "reduction": "median"})
    with pytest.raises(ConfigError, match="median"):
        compare(wrong, tmp_path / "new", title="x")
    assert not (tmp_path / "new").exists()


def test_every_run_has_its_own_callbacks(tmp_path: Path) -> None:
    labels: list[str] = []

    def callbacks(label: str) -> list[Any]:
        labels.append(label)
        return []

    compare(config(tasks=["spot"], epochs=1), tmp_path, title="x", callbacks=callbacks)
    assert labels == ["joint", "spot alone"]
