"""Late weights of a balancer: recomputed from the log, and what has none is passed over."""

import json
from pathlib import Path
from typing import Any

import pytest

from plait.experiments import RunConfig, open_problem, run, validate
from plait.experiments.baselines.late_weights import LateWeights, best_late_weights, late_weights
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.overrides import merge
from plait.runs.result import read_result
from tests.experiments.baselines.networks import TASKS, settings
from tests.logged_steps import by_row, lines_of

Weights = dict[str, float]


def log(folder: Path, *weights: Weights, **more: Any) -> Path:
    """Writes the log of a run with the weights of each step, and other lines between."""
    folder.mkdir()
    where = {"event": "step", "epoch": 0, "lr": 0.1, "seconds": 1.0, "gradient_norm": 1.0}
    lines = [
        {**where, "step": step, "losses": each, "weights": each, **more}
        for step, each in enumerate(weights, start=1)
    ]
    lines.insert(1, {"event": "warning", "step": 1, "text": "a warning"})
    text = "".join(f"{json.dumps(each)}\n" for each in by_row(lines))
    (folder / "events.jsonl").write_text(text)
    return folder


def test_the_first_half_does_not_count(tmp_path: Path) -> None:
    weights = [{"a": 100.0, "b": 1.0}] * 2 + [{"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 4.0}]
    assert late_weights(log(tmp_path / "run", *weights)) == pytest.approx({"a": 2 / 3, "b": 4 / 3})


def test_of_an_odd_number_the_middle_step_counts(tmp_path: Path) -> None:
    weights = [{"a": 9.0, "b": 1.0}, {"a": 1.0, "b": 1.0}, {"a": 3.0, "b": 1.0}]
    assert late_weights(log(tmp_path / "run", *weights)) == pytest.approx({"a": 4 / 3, "b": 2 / 3})


@pytest.mark.parametrize("tasks", [32, 33])
def test_many_tasks_have_theirs(tmp_path: Path, tasks: int) -> None:
    weights = {f"t{number}": 1.0 + number for number in range(tasks)}
    mean = (1 + tasks) / 2
    expected = {task: weight / mean for task, weight in weights.items()}
    assert late_weights(log(tmp_path / "run", {}, weights)) == pytest.approx(expected, rel=1e-5)


def test_one_weight_of_all_is_that_of_those_with_a_label(tmp_path: Path) -> None:
    folder = log(tmp_path / "run", {"a": 3.0, "b": 3.0}, {"a": 2.0, "b": 2.0}, {"a": 2.0})
    text = (folder / "events.jsonl").read_text()
    assert text.count('"weights": [2.0, null]') == 1
    (folder / "events.jsonl").write_text(text.replace('"weights": [2.0, null]', '"weights": 6.0'))
    assert late_weights(folder) == pytest.approx({"a": 4 / 3, "b": 2 / 3})


def test_an_absent_task_has_the_mean_of_its_own_steps(tmp_path: Path) -> None:
    weights = [{}, {}, {"a": 1.0}, {"a": 3.0, "b": 2.0}]
    assert late_weights(log(tmp_path / "run", *weights)) == pytest.approx({"a": 1.0, "b": 1.0})


def test_a_skipped_step_does_not_count(tmp_path: Path) -> None:
    assert late_weights(log(tmp_path / "run", {"a": 1.0}, skipped="NaN")) == {}


@pytest.mark.parametrize(
    "weights", [[], [{}], [{"a": 1.0, "b": 0.0}], [{"a": -1.0, "b": 3.0}], [{"a": 1.0, "b": 1e999}]]
)
def test_what_is_no_weight_of_a_loss_is_left_out(tmp_path: Path, weights: list[Weights]) -> None:
    assert late_weights(log(tmp_path / "run", *weights) if weights else _empty(tmp_path)) == {}


def _empty(folder: Path) -> Path:
    (folder / "events.jsonl").write_text("")
    return folder


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return settings(seed=2)


@pytest.fixture(scope="module")
def members(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Plain sum, two balancers with weights, one with static ones too, and one without weights."""
    folder = tmp_path_factory.mktemp("late")
    problem = open_problem(config)
    found: dict[str, list[Path]] = {}
    for name, own in {
        "sum": {},
        "famo": {"balancing": "FAMO"},
        "upgrad": {"balancing": "UPGrad"},
        "weighted": {"balancing": "DWA", "tasks": {"mask": {"weight": 4.0}}},
    }.items():
        for seed in (2, 3):
            place = folder / f"{name}-{seed}"
            member = validate(merge(config.described(), {**own, "seed": seed}))
            run(member, place, problem=problem)
            found.setdefault(name, []).append(place)
    return found


def best(config: RunConfig, members: dict[str, list[Path]]) -> LateWeights | NoRow:
    return best_late_weights(config, members, problem=open_problem(config))


def recomputed(folder: Path, static: Weights) -> Weights:
    """As the docstring says, from the log alone."""
    steps = [line for line in lines_of(folder) if line["event"] == "step"]
    late = steps[len(steps) // 2 :]
    means = {t: static.get(t, 1.0) * sum(s["weights"][t] for s in late) / len(late) for t in TASKS}
    return {task: 3 * mean / sum(means.values()) for task, mean in means.items()}


def test_the_best_balancer_on_validation_gives_them(
    config: RunConfig, members: dict[str, list[Path]]
) -> None:
    found = best(config, members)
    assert isinstance(found, LateWeights)
    scores = {}
    for name, folders in members.items():
        results = [read_result(folder) for folder in folders]
        scores[name] = sum(each.score for each in results if each) / 2
    del scores["sum"]
    assert found.member == max(scores, key=lambda name: scores[name])
    assert found.score == pytest.approx(scores[found.member])
    static = {"mask": 4.0} if found.member == "weighted" else {}
    each = [recomputed(folder, static) for folder in members[found.member]]
    mean = {task: (each[0][task] + each[1][task]) / 2 for task in TASKS}
    assert found.weights == pytest.approx(mean, rel=1e-3)


def test_static_weights_of_the_member_are_in_them(
    config: RunConfig, members: dict[str, list[Path]]
) -> None:
    found = best(config, {"weighted": members["weighted"]})
    assert isinstance(found, LateWeights)
    assert found.weights["mask"] > 1.5 > found.weights["spot"]
    assert sum(found.weights.values()) == pytest.approx(3, rel=1e-3)


def test_the_settings_make_a_run_of_them(
    config: RunConfig, members: dict[str, list[Path]], tmp_path: Path
) -> None:
    found = best(config, members)
    assert isinstance(found, LateWeights)
    member = validate(merge(config.described(), found.settings))
    made = open_problem(config).tasks(member.tasks)
    assert {task.name: task.weight for task in made} == found.weights
    assert member.balancing.name == "Equal"


def test_a_task_that_is_left_out_stays_out(config: RunConfig, tmp_path: Path) -> None:
    own = config.model_copy(update={"tasks": ["quarter", "mask"]})
    trained = own.model_copy(update={"balancing": settings(balancing="FAMO").balancing})
    run(trained, tmp_path / "run", problem=open_problem(own))
    found = best(own, {"famo": [tmp_path / "run"]})
    assert isinstance(found, LateWeights)
    member = validate(merge(own.described(), found.settings))
    assert [task.name for task in open_problem(own).tasks(member.tasks)] == ["quarter", "mask"]


def test_where_none_has_weights_it_is_said(
    config: RunConfig, members: dict[str, list[Path]], tmp_path: Path
) -> None:
    unfinished = log(tmp_path / "unfinished", {"quarter": 1.0})
    for given in ({}, {"sum": members["sum"]}, {"unfinished": [unfinished]}):
        found = best(config, given)
        assert isinstance(found, NoRow) and "no finished member" in found.reason
    half = {"famo": [members["famo"][0], unfinished]}
    assert isinstance(best(config, half), NoRow)
