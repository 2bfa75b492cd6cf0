"""Optimizers and schedulers of torch by name."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.experiments import build_job, validate, with_defaults
from plait.experiments.build import Job
from plait.experiments.build.optimizer import optimizer_arguments, scheduler_maker
from plait.experiments.method import Method
from plait.experiments.overrides import parse
from tests.experiments.tiny import TINY


def built(**settings: Any) -> Job:
    return build_job(validate(with_defaults({"recipe": TINY, **settings})), Path("unused"))


def method(**options: Any) -> Method:
    return Method.model_validate({"class": options.pop("name"), **options})


def test_rate_and_decay_are_the_trainers_and_all_else_the_optimizers() -> None:
    named = method(name="SGD", lr=1, weight_decay=0.5, momentum=0.25)
    made = optimizer_arguments(named)
    assert (made["lr"], made["weight_decay"]) == (1.0, 0.5)
    optimizer = made["optimizer"]([{"params": nn.Linear(2, 1).parameters(), "lr": 3.0}])
    assert type(optimizer) is torch.optim.SGD
    (group,) = optimizer.param_groups
    assert (group["lr"], group["momentum"]) == (3.0, 0.25)
    assert named.options == {"lr": 1, "weight_decay": 0.5, "momentum": 0.25}


def test_without_rate_and_decay_the_trainer_has_its_own() -> None:
    assert optimizer_arguments(method(name="Adam")).keys() == {"optimizer"}


@pytest.mark.parametrize(("name", "length"), [("CosineAnnealingLR", "T_max")])
def test_a_length_is_filled_in(name: str, length: str) -> None:
    optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)
    scheduler = scheduler_maker(method(name=name), steps=12, rate=0.1)(optimizer)
    assert getattr(scheduler, length) == 12
    assert scheduler_maker(None, steps=12, rate=0.1) is None


def test_a_length_that_was_given_is_kept() -> None:
    scheduler = {"class": "OneCycleLR", "max_lr": 0.1, "total_steps": 77}
    assert built(scheduler=scheduler).trainer.scheduler.total_steps == 77


def test_groups_with_a_factor_keep_it_under_a_scheduler_that_sets_rates() -> None:
    trainer = built(
        optimizer={"class": "SGD", "lr": 0.01},
        scheduler={"class": "OneCycleLR", "max_lr": 0.02},
        sharing="Separate",
        connections={"class": "CrossStitch", "lr_scale": 10.0},
    ).trainer
    assert [group["max_lr"] for group in trainer.optimizer.param_groups] == [0.02, 0.2]
    first, second = trainer.optimizer.param_groups
    assert second["lr"] == pytest.approx(10 * first["lr"])


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (r"unknown optimizer 'Sgd'; .*Did you mean 'SGD'", {"optimizer": "Sgd"}),
        (r"unknown optimizer 'lr_scheduler'", {"optimizer": "lr_scheduler"}),
        (r"unknown scheduler 'StepLr'; .*Did you mean 'StepLR'", {"scheduler": "StepLr"}),
        (
            r"optimizer AdamW has no option 'beta'; .*Did you mean 'betas'",
            {"optimizer": {"class": "AdamW", "beta": 0.9}},
        ),
        (
            r"optimizer AdamW cannot be made with .*beta",
            {"optimizer": {"class": "AdamW", "betas": [0.9, 7.0]}},
        ),
        (r"setting 'optimizer.lr' must be a number; found 'x'", {"optimizer": {"lr": "x"}}),
        (
            r"optimizer SGD cannot be made with .*momentum",
            {"optimizer": {"momentum": -1}},
        ),
        (
            r"scheduler StepLR has no option 'steps'",
            {"scheduler": {"class": "StepLR", "steps": 3}},
        ),
        (
            r"scheduler StepLR needs the option 'step_size'. Set it: .class: StepLR, step_size: ",
            {"scheduler": "StepLR"},
        ),
        (
            r"scheduler ReduceLROnPlateau cannot be made with .*mode best is unknown",
            {"scheduler": {"class": "ReduceLROnPlateau", "mode": "best"}},
        ),
    ],
)
def test_what_does_not_fit_is_refused(words: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=words):
        built(**settings)


def test_reduce_on_plateau_is_made_for_scores() -> None:
    """Negative scores that rise by a fifth are no plateau, which a relative threshold may miss."""
    words = ["scheduler=ReduceLROnPlateau", "scheduler.patience=0", "scheduler.threshold=0.15"]
    trainer = built(**parse(words)).trainer
    assert (trainer.scheduler.mode, trainer.scheduler.threshold_mode) == ("max", "abs")
    rate = trainer.optimizer.param_groups[0]["lr"]
    for score in (-3.0, -2.8, -2.6):
        trainer.rates.advance(score)
    assert trainer.optimizer.param_groups[0]["lr"] == rate
    trainer.rates.advance(-2.5)
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(rate / 10)


def test_what_was_given_to_reduce_on_plateau_is_kept() -> None:
    given = {"class": "ReduceLROnPlateau", "mode": "min", "threshold_mode": "rel"}
    scheduler = built(scheduler=given).trainer.scheduler
    assert (scheduler.mode, scheduler.threshold_mode) == ("min", "rel")
