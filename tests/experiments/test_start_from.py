"""Runs that start from other runs: tasks one after the other, parts frozen, anchored, connected."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from plait.core.errors import CheckpointError, ConfigError
from plait.experiments import resume_run, run, validate, with_defaults
from plait.runs.result import RunResult
from tests.experiments.tiny import TINY


def train(folder: Path, **settings: Any) -> RunResult:
    return run(validate(with_defaults({"recipe": TINY, "epochs": 1, **settings})), folder)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("from") / "quarter"
    train(folder, tasks=["quarter"])
    return folder


def test_a_frozen_task_is_what_it_was_and_still_evaluated(first: Path, tmp_path: Path) -> None:
    result = train(
        tmp_path / "two",
        tasks=["quarter", "mask"],
        sharing="Separate",
        start_from=[str(first)],
        freeze=["quarter"],
        balancing="UncertaintyWeights",
    )
    old, new = weights(first), weights(tmp_path / "two")
    for name, value in old.items():
        name = name.replace("sharing.encoder.", "sharing.encoders.task:quarter.")
        assert torch.equal(new[name], value), name
    assert result.test.metrics["quarter"] == json_test(first)["metrics"]["quarter"]
    assert "encoders: quarter, mask (from quarter); heads: quarter" in result.started
    told = json.loads((tmp_path / "two" / "transfer.json").read_text())
    assert told["encoders"] == {"quarter": "quarter", "mask": "quarter"}


def json_test(folder: Path) -> dict[str, Any]:
    lines = (folder / "events.jsonl").read_text().splitlines()
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def test_connected_networks_start_from_single_task_runs(first: Path, tmp_path: Path) -> None:
    train(tmp_path / "mask", tasks=["mask"])
    train(
        tmp_path / "both",
        tasks=["quarter", "mask"],
        sharing="Separate",
        connections={"class": "CrossStitch", "init": "identity"},
        start_from=[str(first), str(tmp_path / "mask")],
        optimizer={"class": "SGD", "lr": 1e-30},
    )
    new = weights(tmp_path / "both")
    for task, folder in (("quarter", first), ("mask", tmp_path / "mask")):
        for name, value in weights(folder).items():
            name = name.replace("sharing.encoder.", f"sharing.encoders.task:{task}.")
            if "running" not in name and "num_batches" not in name:
                assert torch.equal(new[name], value), name


def test_a_run_resumes_without_the_runs_that_it_started_from(first: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(first, source)
    train(tmp_path / "new", tasks=["quarter", "mask"], start_from=[str(source)])
    whole = weights(tmp_path / "new")
    shutil.rmtree(source)
    resume_run(tmp_path / "new")
    assert all(torch.equal(value, whole[name]) for name, value in weights(tmp_path / "new").items())


def test_wrong_sources_are_refused_before_anything_is_written(first: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"is no model folder: config\.json is missing"):
        train(tmp_path / "new", start_from=[str(tmp_path)])
    with pytest.raises(ConfigError, match="does not fit"):
        encoder = {"class": "ConvEncoder", "in_channels": 1, "widths": [4, 7], "norm": True}
        train(tmp_path / "new", start_from=[str(first)], encoder=encoder)
    assert not (tmp_path / "new").exists()


def test_a_search_writes_the_settings_that_retrain_what_it_found(tmp_path: Path) -> None:
    train(tmp_path / "search", sharing="LearningToBranch")
    found = yaml.safe_load((tmp_path / "search" / "found.yaml").read_text())
    assert found["sharing"]["class"] == "LearningToBranch"
    routes = found["sharing"]["routes"]
    run(validate(found), tmp_path / "tree")
    again = yaml.safe_load((tmp_path / "tree" / "config.yaml").read_text())
    assert again["sharing"]["routes"] == routes
    assert not (tmp_path / "tree" / "found.yaml").exists()
