"""One answer, end to end, on tables with a planted structure."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plait.core.errors import ConfigError, RunExistsError
from plait.experiments import validate, with_defaults
from plait.experiments.advise import advise
from plait.experiments.config import RunConfig
from plait.runs.advice import read_advice
from tests.experiments.tiny import TINY, count_reads, tree

TASKS = ["a1", "a2", "b1", "b2"]


def tiny(**settings: Any) -> RunConfig:
    few = {"recipe": TINY, "epochs": 2, "gallery": 0, "tasks": ["quarter", "spot"]}
    return validate(with_defaults({**few, **settings}))


def runs_of(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in tree(folder).items() if name.endswith("result.json")}


def test_an_advice_is_written_with_its_files_and_repeats_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    advice, found = advise(tiny(), tmp_path, minutes=5, seeds=2, say=said.append)
    assert read_advice(tmp_path) == advice
    assert advice.headline
    assert found.seeds == [0, 1]
    assert {each.name for each in found.rows_of_table} >= {"single", "plain-sum"}
    for place in advice.models.values():
        assert (tmp_path / place / "model" / "model.safetensors").is_file()
    assert bool(advice.config) == (advice.member != "single")
    assert advice.candidates
    before = runs_of(tmp_path)
    again, _ = advise(tiny(), tmp_path, minutes=5, seeds=2)
    assert runs_of(tmp_path) == before
    assert again.headline == advice.headline
    assert [each.outcome for each in again.candidates] == [e.outcome for e in advice.candidates]


def test_the_test_split_is_read_by_the_comparison_alone(tmp_path: Path) -> None:
    advice, found = advise(tiny(), tmp_path, minutes=5, seeds=1)
    tested = {
        path.parent.name
        for path in tmp_path.rglob("result.json")
        if '"tested": ""' not in path.read_text()
    }
    assert tested == {
        name.rpartition("/")[2]
        for m in found.rows_of_table
        for n in m.networks.values()
        for name in n.folders
    }
    dropped = {each.name for each in advice.candidates if each.outcome != "final"}
    assert not dropped & tested


def planted(folder: Path, *, opposed: bool) -> RunConfig:
    """Four tasks on two units: two pairs that need both for another input, or four equal ones."""
    draws = np.random.default_rng(0)
    x = draws.normal(size=(2000, 6))
    first, second = 2 * np.tanh(2 * x[:, 0]), 2 * np.tanh(2 * x[:, 1])
    if opposed:
        y = np.stack([first, 1.5 * first, second, 1.2 * second], axis=1)
        y += 0.3 * draws.normal(size=y.shape)
    else:
        y = np.stack([first] * 4, axis=1) + 0.3 * draws.normal(size=(2000, 1))
    inputs = [f"x{i}" for i in range(6)]
    table = folder / "table.csv"
    pd.DataFrame(np.hstack([x, y]), columns=[*inputs, *TASKS]).to_csv(table, index=False)
    settings = {
        "table": str(table),
        "inputs": dict.fromkeys(inputs, "number"),
        "tasks": dict.fromkeys(TASKS, "number"),
        "split": {"val": 0.2, "test": 0.3},
        "encoder": {"class": "TabularMLP", "widths": [2]},
        "start": "random",
        "optimizer": {"class": "AdamW", "lr": 0.01},
        "batch_size": 32,
        "epochs": 15,
        "device": "cpu",
        "gallery": 0,
    }
    return validate(with_defaults(settings))


@pytest.mark.slow
def test_two_opposed_groups_are_found_and_joint_training_is_said_to_harm(tmp_path: Path) -> None:
    advice, found = advise(planted(tmp_path, opposed=True), tmp_path / "x", minutes=6)
    member = next(each for each in found.rows_of_table if each.name == advice.member)
    assert member.settings["sharing"]["groups"] == [["a1", "a2"], ["b1", "b2"]]
    assert "Train `a1` and `a2` together; `b1` and `b2` together" in advice.headline
    joint = found.change("plain-sum")
    assert joint is not None
    assert joint.verdict == "worse"
    assert any(text.startswith("Plain sum is worse than") for text in advice.sentences)
    assert any("in conflict" in text for text in advice.reasons)


@pytest.mark.slow
def test_equal_tasks_make_no_measurable_difference(tmp_path: Path) -> None:
    advice, _ = advise(planted(tmp_path, opposed=False), tmp_path / "x", minutes=6)
    assert advice.action == "cheaper"
    assert "no measurable difference" in advice.headline
    assert any("a balancer will not pay" in text for text in advice.reasons)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`minutes` must be positive"):
        advise(tiny(), tmp_path / "x", minutes=0)
    with pytest.raises(ConfigError, match="advice is about several tasks"):
        advise(tiny(tasks=["spot"]), tmp_path / "x", minutes=1)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("")
    with pytest.raises(RunExistsError, match="already holds a run"):
        advise(tiny(), tmp_path / "run", minutes=1)


def test_the_data_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = count_reads(monkeypatch)
    advise(tiny(epochs=1), tmp_path, minutes=5, seeds=1)
    assert read == ["splits"]
