"""The batches before a training are those of the training."""

from pathlib import Path

import pytest
import torch

from plait.experiments import build_job, validate, with_defaults
from plait.experiments.build.first_batches import first_batches
from plait.tasks import Regression
from tests.experiments.tiny import TINY


def test_they_are_those_that_the_training_takes(tmp_path: Path) -> None:
    config = validate(with_defaults({"recipe": TINY, "epochs": 1, "gallery": 0}))
    ahead = [batch.parts[0].inputs for batch in first_batches(build_job(config, tmp_path))]
    job = build_job(config, tmp_path / "run")
    seen: list[torch.Tensor] = []
    job.trainer.model.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    job.trainer.fit(job.loaders["train"])
    assert len(ahead) == 3
    for one, other in zip(ahead, seen[-3:], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_units_of_regressions_are_read(tmp_path: Path) -> None:
    rows = "".join(f"{i},{100 + i % 3}\n" for i in range(60))
    (tmp_path / "table.csv").write_text(f"x,y\n{rows}")
    settings = {"table": str(tmp_path / "table.csv"), "inputs": {"x": "number"}, "epochs": 1}
    job = build_job(validate(with_defaults({**settings, "tasks": {"y": "number"}})), tmp_path)
    task = job.trainer.model.tasks["y"]
    assert isinstance(task, Regression)
    assert not task.unit.fitted
    next(first_batches(job))
    assert task.unit.fitted
    assert task.unit.mean.item() == pytest.approx(101, abs=0.5)
