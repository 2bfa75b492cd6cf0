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
from tests.experiments.tiny import TINY, tree


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


def opposed(folder: Path, rows: int = 600) -> RunConfig:
    """Two groups of tasks: what is good for one group is noise, scaled up, for the other."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, 6))
    first, second = np.tanh(x @ generator.normal(size=6)), np.tanh(x @ generator.normal(size=6))
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(6)])
    for name, signal in (("a", first), ("b", first), ("c", second), ("d", second)):
        frame[name] = signal + 0.05 * generator.normal(size=rows)
    path = folder / "table.csv"
    frame.to_csv(path, index=False)
    settings = {
        "table": str(path),
        "inputs": {f"x{i}": "number" for i in range(6)},
        "tasks": dict.fromkeys("abcd", "number"),
        "split": {"val": 0.2, "test": 0.3},
        "encoder": {"class": "TabularEncoder", "width": 2},
        "start": "random",
        "epochs": 12,
    }
    return validate(with_defaults(settings))


@pytest.mark.slow
def test_two_groups_are_found(tmp_path: Path) -> None:
    advice, found = advise(opposed(tmp_path), tmp_path / "advice", minutes=5, seeds=3)
    member = next(m for m in found.rows_of_table if m.name == advice.member)
    assert member.settings["sharing"]["groups"] in ([["a", "b"], ["c", "d"]],)
    assert "together" in advice.headline


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`minutes` must be positive"):
        advise(tiny(), tmp_path / "x", minutes=0)
    with pytest.raises(ConfigError, match="advice is about several tasks"):
        advise(tiny(tasks=["spot"]), tmp_path / "x", minutes=1)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("")
    with pytest.raises(RunExistsError, match="already holds a run"):
        advise(tiny(), tmp_path / "run", minutes=1)
