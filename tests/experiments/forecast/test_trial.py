"""A trial takes the steps of the training."""

from itertools import islice
from pathlib import Path

import pytest
import torch

from plait.balancing import IMTLG, AutoLambda, Equal, MoDo, UPGrad
from plait.core.errors import ConfigError, DataError
from plait.experiments import build_job, validate, with_defaults
from plait.experiments.build.first_batches import first_batches
from plait.experiments.build.job import Job
from plait.experiments.build.optimizer import optimizer_arguments
from plait.experiments.forecast import StepSettings, Trial
from plait.training.options import GroupOptions
from tests.experiments.tiny import TINY


def opened(folder: Path = Path("no-run"), **settings: object) -> tuple[Job, StepSettings]:
    config = validate(with_defaults({"recipe": TINY, **settings}))
    job = build_job(config, folder)
    made = optimizer_arguments(config.optimizer)
    make = made.pop("optimizer")
    return job, StepSettings.of(job.trainer, make, GroupOptions(**made))


def test_its_steps_are_those_of_the_trainer(tmp_path: Path) -> None:
    job, settings = opened(balancing="UPGrad", clip=0.5, reduction="task", epochs=1)
    batches = list(first_batches(job))
    trial = Trial(job.trainer.model, UPGrad(), batches, settings)
    for _ in batches:
        trial()
    other, _ = opened(tmp_path, balancing="UPGrad", clip=0.5, epochs=1, start="random")
    other.trainer.fit(other.loaders["train"])
    trained = other.trainer.model.state_dict()
    for name, value in job.trainer.model.state_dict().items():
        torch.testing.assert_close(value, trained[name], rtol=0, atol=0, msg=name)


@pytest.mark.parametrize("balancer", [MoDo(), AutoLambda()])
def test_several_batches_are_one_step(balancer: MoDo | AutoLambda) -> None:
    job, settings = opened()
    trial = Trial(job.trainer.model, balancer, list(first_batches(job)), settings)
    for _ in range(3):  # three batches make one window of two
        trial()
    assert trial.last is not None and trial.last.balance is not None
    with pytest.raises(DataError, match="2 independent batches"):
        Trial(job.trainer.model, MoDo(), list(islice(first_batches(job), 1)), settings)


def test_measuring_forms_the_rows() -> None:
    job, settings = opened()
    trial = Trial(job.trainer.model, Equal(), list(first_batches(job)), settings)
    trial(measure=True)
    assert trial.last is not None and trial.last.balance is not None
    assert trial.last.balance.cosines is not None


def test_what_cannot_go_together_is_refused() -> None:
    job, settings = opened(tasks={"mask": {"weight": 2.0}})
    with pytest.raises(ConfigError, match="static weight"):
        Trial(job.trainer.model, IMTLG(), list(first_batches(job)), settings)
