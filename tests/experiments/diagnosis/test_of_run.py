"""End to end: what is planted in a table is found, and the test split is left alone."""

import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait.core.errors import ConfigError, RunExistsError
from plait.experiments import run, validate, with_defaults
from plait.experiments.diagnosis import diagnose_config, diagnose_run
from plait.experiments.diagnosis.of_run import timed
from plait.experiments.diagnosis.words import NO_BALANCER
from plait.runs.diagnosis import read_diagnosis
from tests.experiments.diagnosis.planted import GROUPS, TASKS, planted
from tests.experiments.tiny import TINY


def test_two_opposed_groups_are_found(tmp_path: Path) -> None:
    config = planted(tmp_path, opposed=True)
    found = diagnose_config(config, tmp_path / "run", title="t", forecast_seconds=None)
    assert found.grouping is not None and found.conflict is not None
    assert [group.tasks for group in found.grouping.groups] == GROUPS
    pairs = {frozenset((each.first, each.second)) for each in found.opposed}
    assert pairs == {frozenset((a, b)) for a in GROUPS[0] for b in GROUPS[1]}
    assert "in conflict" in found.sentences[0]
    assert "a1 and a2; b1 and b2" in found.advice
    assert (found.grouping.gain or 0) > 0
    assert (found.grouping.check_seconds or 0) > 0
    for command, group in zip(found.grouping.check.split("; "), GROUPS, strict=True):
        *_, path, first, second = shlex.split(command)
        left = {word.removeprefix("tasks.").removesuffix("=null") for word in (first, second)}
        assert left == set(TASKS) - set(group)
        assert Path(path).is_file()
    assert read_diagnosis(tmp_path / "run") == found
    assert found.source == "config" and (found.steps or 0) >= 200


def test_equal_tasks_have_no_conflict_and_one_network(tmp_path: Path) -> None:
    config = planted(tmp_path, opposed=False)
    found = diagnose_config(config, tmp_path / "run", forecast_seconds=None)
    assert found.grouping is not None and found.conflict is not None
    assert [group.tasks for group in found.grouping.groups] == [TASKS]
    assert found.opposed == []
    assert (found.conflict.cosine or 0) > 0.5
    assert NO_BALANCER in found.sentences[0] and NO_BALANCER in found.advice
    assert found.grouping.gain == 0 and not found.grouping.check


def test_a_run_has_its_log_and_no_test(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    settings = {
        "recipe": TINY,
        "sharing": "MMoE",
        "balancing": "UPGrad",
        "log_every": 1,
    }
    run(validate(with_defaults(settings)), folder)
    before = (folder / "events.jsonl").read_bytes()
    found = diagnose_run(folder, forecast_seconds=None)
    assert found.source == "run" and found.title == str(folder)
    assert found.steps == 6 and len(found.history) == 6
    assert set(found.balanced_shares) == set(found.tasks) == {"quarter", "mask", "spot"}
    assert sum(share or 0 for share in found.balanced_shares.values()) == pytest.approx(1, abs=1e-3)
    assert sum(share or 0 for share in found.shares.values()) == pytest.approx(1, abs=1e-3)
    assert found.watched
    assert {layer.name for layer in found.layers}
    assert sum(layer.parameters for layer in found.layers) == found.conflict.parameters  # type: ignore[union-attr]
    assert (folder / "events.jsonl").read_bytes() == before
    assert "Too few batches" in found.sentences[0]


def test_the_short_training_reads_no_test_and_keeps_its_settings(
    tmp_path: Path,
) -> None:
    config = validate(with_defaults({"recipe": TINY, "epochs": 9}))
    found = diagnose_config(config, tmp_path / "run", steps=4, forecast_seconds=None)
    assert found.steps == 6  # two epochs of three
    assert '"event": "test"' not in (tmp_path / "run/events.jsonl").read_text()
    kept = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert kept["epochs"] == 2 and kept["measure_every"] == 1
    with pytest.raises(RunExistsError):
        diagnose_config(config, tmp_path / "run")


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        diagnose_run(tmp_path / "missing")
    with pytest.raises(ConfigError, match="no run"):
        diagnose_run(tmp_path)


def test_the_time_of_a_loader_is_told() -> None:
    def slow() -> Iterator[Any]:
        for number in range(4):
            time.sleep(0.3 if number == 0 else 0.01)
            yield number

    batches, seconds = timed(slow())
    assert batches == [0, 1, 2, 3]
    assert 0.01 <= seconds < 0.2
    assert timed([]) == ([], 0.0)
