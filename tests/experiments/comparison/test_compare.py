"""The comparison: what is in it is what its runs say, and the arithmetic is right."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait.core.errors import ConfigError, RunExistsError
from plait.core.typed_json import without_nan
from plait.experiments import FAMILIES, JOINT, Member, compare, run, validate, with_defaults
from plait.experiments.config import RunConfig
from plait.runs import Comparison
from tests.experiments.tiny import TINY, count_reads, tree
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


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    """All families on tiny squares, from two seeds."""
    folder = tmp_path_factory.mktemp("families")
    settings = config(epochs=1, gallery=0, seed=5)
    return compare(settings, folder, title="Squares", members=FAMILIES, seeds=2), folder


def last_line(folder: Path) -> dict[str, Any]:
    """The last line of a run: its test."""
    line = events(folder)[-1]
    assert line["event"] == "test"
    return line


def test_the_file_is_what_was_returned(digits: tuple[Comparison, Path]) -> None:
    found, folder = digits
    assert json.loads((folder / "comparison.json").read_text()) == without_nan(asdict(found))
    assert found.title == "Few digits"
    assert [member.folders for member in found.members] == [["seed-0/joint"]]
    tasks = ("digit", "mask", "centre")
    assert {t: each.folders for t, each in found.single.items()} == {
        task: [f"seed-0/single-{task}"] for task in tasks
    }
    assert ": 1 epoch, batch size 16" in found.note
    assert "batch size 16" in found.note
    assert "Seed 0, one run each" in found.note
    assert "One seed shows no spread" in found.note
    assert found.seeds == [0]


def test_rows_are_the_tests_of_the_runs(squares: tuple[Comparison, Path]) -> None:
    found, folder = squares
    for place in range(len(found.seeds)):
        joint = {each.name: last_line(folder / each.folders[place]) for each in found.members}
        for row in found.rows:
            single = last_line(folder / found.single[row.task].folders[place])
            assert single["metrics"].keys() == {row.task}, "one task alone"
            assert row.single[place] == single["metrics"][row.task][row.metric]
            assert row.trivial[place] == single["trivial"][row.task][row.metric]
            for name, values in row.joint.items():
                assert values[place] == joint[name]["metrics"][row.task][row.metric]
                assert row.trivial[place] == joint[name]["trivial"][row.task][row.metric]
        for line in joint.values():
            metrics = {(task, name) for task, each in line["metrics"].items() for name in each}
            assert {(row.task, row.metric) for row in found.rows} == metrics


LOWER = {"distance", "mae", "rmse"}


def test_changes_and_delta_m_by_hand(squares: tuple[Comparison, Path]) -> None:
    """Gain in per cent of the single-task value, mean over metrics, then over tasks."""
    found, _ = squares
    for member in found.members:
        for place in range(len(found.seeds)):
            gains: dict[str, list[float]] = {}
            for row in found.rows:
                assert row.higher_is_better == (row.metric not in LOWER)
                sign = 1 if row.higher_is_better else -1
                value, base = row.joint[member.name][place], row.single[place]
                change = 100 * sign * (value - base) / abs(base)
                assert row.changes[member.name][place] == pytest.approx(change, abs=1e-9)
                gains.setdefault(row.task, []).append(change)
            expected = sum(sum(each) / len(each) for each in gains.values()) / len(gains)
            assert member.delta_m[place] == pytest.approx(expected, abs=1e-9)


def test_sizes_and_times(digits: tuple[Comparison, Path]) -> None:
    found, folder = digits

    def parameters(name: str) -> int:
        state = saved(folder / name)["optimizer"]["state"]
        return sum(moments["exp_avg"].numel() for moments in state.values())

    learned = 3  # of the balancer, which is no part of the model
    (member,) = found.members
    assert member.parameters == parameters("seed-0/joint") - learned
    for each in found.single.values():
        assert each.parameters == parameters(each.folders[0])
    assert member.parameters < found.baseline.parameters
    for runs in (member, *found.single.values()):
        lines = (folder / runs.folders[0] / "events.jsonl").read_text().splitlines()
        (last,) = [each for each in map(json.loads, lines) if each["event"] == "evaluation"][-1:]
        assert runs.seconds == pytest.approx([last["seconds"]], abs=0.01)


def test_single_task_runs_are_plain_training(tmp_path: Path) -> None:
    """One encoder, equal weights, nothing of other tasks, no task weight; all else as jointly."""
    joint = config(
        sharing="Separate",
        regularization={"class": "PairwiseL2", "strength": 0.1},
        connections="Lateral",
        balancing={"class": "Equal", "weights": {"mask": 3.0}},
        rule="mask/iou",
        tasks={"quarter": None, "spot": {"weight": 2.0}},
    )
    compare(joint, tmp_path, title="x")
    for task, rule in (("mask", "mask/iou"), ("spot", "skill")):
        alone = yaml.safe_load((tmp_path / f"seed-0/single-{task}/config.yaml").read_text())
        expected = joint.described() | {
            "tasks": {"quarter": None, "mask": None, "spot": None, task: {}},
            "balancing": {"class": "Equal"},
            "sharing": {"class": "Hard"},
            "regularization": None,
            "connections": None,
            "rule": rule,
        }
        assert alone == expected
    written = yaml.safe_load((tmp_path / "seed-0/joint/config.yaml").read_text())
    assert written == joint.described()


def test_each_run_is_the_one_that_run_makes(tmp_path: Path) -> None:
    """A comparison is nothing but its runs: each can be repeated alone."""
    compare(config(tasks=["quarter", "spot"]), tmp_path / "all", title="x")
    for name in ("joint", "single-quarter", "single-spot"):
        settings = yaml.safe_load((tmp_path / "all" / "seed-0" / name / "config.yaml").read_text())
        run(validate(settings), tmp_path / name)
        assert_same_run(tmp_path / name, tmp_path / "all" / "seed-0" / name)


@pytest.mark.parametrize("name", ["config.yaml", "events.jsonl"])
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
    assert labels == ["spot alone", "joint"]


# --- several seeds, several members ---------------------------------------------------------


def test_every_seed_has_a_folder_with_all_its_runs(squares: tuple[Comparison, Path]) -> None:
    found, folder = squares
    assert found.seeds == [5, 6]
    names = {"shared", "tied", "connected", "single-quarter", "single-mask", "single-spot"}
    for seed in found.seeds:
        place = folder / f"seed-{seed}"
        assert {run.name for run in place.iterdir()} == names
        for name in names:
            settings = yaml.safe_load((place / name / "config.yaml").read_text())
            assert settings["seed"] == seed
    assert "Seeds 5, 6, one run each" in found.note
    assert "± the sample standard deviation" in found.note


def test_a_run_of_several_seeds_is_that_of_the_seed_alone(
    squares: tuple[Comparison, Path], tmp_path: Path
) -> None:
    """Sharing data and single-task runs changes nothing that is trained."""
    _, folder = squares
    compare(config(epochs=1, gallery=0, seed=6), tmp_path, title="x", members=FAMILIES[1:2])
    for name in ("tied", "single-mask"):
        assert_same_run(tmp_path / "seed-6" / name, folder / "seed-6" / name)


def test_more_seeds_repeat_none_that_is_finished(tmp_path: Path) -> None:
    settings = config(epochs=1, gallery=0, tasks=["quarter", "spot"])
    compare(settings, tmp_path, title="x", seeds=1)
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("seed-0/*/result.json")}
    found = compare(settings, tmp_path, title="x", seeds=2)
    assert len(finished) == 3
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert found.members[0].folders == ["seed-0/joint", "seed-1/joint"]


def test_single_task_runs_are_trained_once_and_data_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = count_reads(monkeypatch)
    labels: list[str] = []

    def callbacks(label: str) -> list[Any]:
        labels.append(label)
        return []

    settings = config(tasks=["spot"], epochs=1, gallery=0)
    options = {"members": FAMILIES[:2], "seeds": 2, "callbacks": callbacks}
    compare(settings, tmp_path, title="x", **options)
    assert labels == [
        *("spot alone, seed 0", "shared, seed 0", "tied, seed 0"),
        *("spot alone, seed 1", "shared, seed 1", "tied, seed 1"),
    ]
    assert read == ["splits"]


def test_a_comparison_is_gone_on_with_and_repeats_nothing(tmp_path: Path) -> None:
    """Another member is trained beside what is there; the same call trains nothing."""
    settings = config(tasks=["quarter", "spot"], epochs=1, gallery=0)
    compare(settings, tmp_path, title="x", members=FAMILIES[:1])
    before = tree(tmp_path)
    found = compare(settings, tmp_path, title="x", members=FAMILIES[:2])
    after = tree(tmp_path)
    assert [member.name for member in found.members] == ["shared", "tied"]
    for name, digest in before.items():
        assert after[name] == digest or name.startswith(("comparison.", ".lock")), name
    again = compare(settings, tmp_path, title="x", members=FAMILIES[:2])
    unchanged = {name: digest for name, digest in tree(tmp_path).items() if ".lock" not in name}
    assert unchanged == {name: digest for name, digest in after.items() if ".lock" not in name}
    assert str(again) == str(found), "NaN is NaN"


def test_a_run_of_other_settings_is_refused_by_name(tmp_path: Path) -> None:
    settings = {"tasks": ["quarter", "spot"], "epochs": 1, "gallery": 0}
    compare(config(**settings), tmp_path, title="x")
    before = tree(tmp_path)
    with pytest.raises(RunExistsError, match=r"has other settings.*epochs"):
        compare(config(**{**settings, "epochs": 2}), tmp_path, title="x")
    assert tree(tmp_path) == before


def test_a_member_that_fails_stands_in_the_table(tmp_path: Path) -> None:
    wild = Member("wild", "Wild", settings={"optimizer": {"lr": 1e30}, "clip": None})
    settings = config(tasks=["quarter", "spot"], epochs=1, gallery=0)
    found = compare(settings, tmp_path, title="x", members=[*JOINT, wild])
    joint, failed = found.members
    assert joint.failed == [""]
    assert "not finite" in failed.failed[0] or "NaN" in failed.failed[0]
    assert math.isnan(failed.delta_m[0])
    change = found.change("wild")
    assert change is not None
    assert change.verdict == "undefined"
    assert "Without all numbers: Wild" in found.note


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ({"seeds": 0}, "at least one member and one seed; found members: 1, seeds: 0"),
        ({"members": ()}, "at least one member .* found members: 0, seeds: 1"),
        ({"members": JOINT + JOINT}, "two runs would be named 'joint'"),
        ({"members": [replace(JOINT[0], name="single-mask")]}, "two runs .* 'single-mask'"),
        ({"members": [replace(JOINT[0], settings={"epoch": 1})]}, "unknown setting 'epoch'"),
    ],
)
def test_what_cannot_be_compared_is_refused_at_once(
    options: dict[str, Any], finding: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=finding):
        compare(config(), tmp_path / "new", title="x", **options)
    assert not (tmp_path / "new").exists()
