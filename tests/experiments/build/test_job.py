"""From settings to objects: names, options, and what does not fit."""

from pathlib import Path
from typing import Any

import pytest
import torch

import plait.balancing
import plait.recipes
from plait.balancing import Balancer
from plait.core.errors import ConfigError, DataError
from plait.core.lookup import names
from plait.encoders import ConvEncoder
from plait.experiments import build_job, validate, with_defaults
from plait.experiments.build import Job
from plait.experiments.linear_start import LinearStart
from plait.sharing import Separate
from tests.experiments.tiny import TINY, Doubled


def built(**settings: Any) -> Job:
    return build_job(validate(with_defaults({"recipe": TINY, **settings})), Path("unused"))


def refused(words: str, **settings: Any) -> None:
    with pytest.raises(ConfigError, match=words):
        built(**settings)


# --- methods --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names(plait.balancing, Balancer))
def test_every_balancer_by_its_name(name: str) -> None:
    assert type(built(balancing=name).trainer.balancer) is getattr(plait.balancing, name)


def test_a_balancer_of_the_users_own() -> None:
    path = "tests.experiments.tiny:Doubled"
    made = built(balancing={"class": path, "factor": 3.0}).trainer.balancer
    assert isinstance(made, Doubled)
    assert made.factor == 3.0


def test_settings_reach_the_objects() -> None:
    job = built(
        tasks={"quarter": None, "mask": {"weight": 2.5}},
        encoder={"class": "ConvEncoder", "in_channels": 1, "widths": [3]},
        sharing="Separate",
        regularization={"class": "PairwiseL2", "strength": 0.5},
        balancing={"class": "PCGrad", "reduction": "mean"},
        optimizer={"class": "Adam", "lr": 0.25, "weight_decay": 0.125, "betas": [0.5, 0.75]},
        scheduler="CosineAnnealingLR",
        batch_size=5,
        epochs=3,
        accumulate=2,
        reduction="label",
        seed=4,
    )
    trainer = job.trainer
    assert list(trainer.model.tasks) == ["mask", "spot"]
    assert trainer.model.tasks["mask"].weight == 2.5
    assert isinstance(trainer.model.sharing, Separate)
    encoder = trainer.model.sharing.prototype()
    assert isinstance(encoder, ConvEncoder)
    assert encoder.widths == (3,)
    assert [r.strength for r in trainer.model.regularization] == [0.5]
    (group,) = trainer.optimizer.param_groups
    assert isinstance(trainer.optimizer, torch.optim.Adam)
    assert (group["initial_lr"], group["weight_decay"]) == (0.25, 0.125)
    assert list(group["betas"]) == [0.5, 0.75]
    # 24 examples in batches of 5: 5 batches, 3 steps in each of 3 epochs
    assert trainer.scheduler.T_max == 9
    assert len(job.loaders["train"]) == 5
    options = trainer.options
    assert (options.epochs, options.accumulate, options.seed) == (3, 2, 4)
    assert options.reduction == "label"


def test_only_the_training_data_are_shuffled() -> None:
    job = built()
    for split, each in job.loaders.items():
        data = each.dataset
        order = torch.cat([batch.parts[0].inputs for batch in each])
        straight = torch.stack([data[i][0] for i in range(len(data))])
        assert torch.equal(order, straight) == (split != "train")


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (r"unknown balancer 'PCGard'; known: .*Did you mean 'PCGrad'", {"balancing": "PCGard"}),
        (r"unknown balancer 'LossBalancer'", {"balancing": "LossBalancer"}),
        (r"unknown sharing 'hard'; .*Did you mean 'Hard'", {"sharing": "hard"}),
        (r"unknown encoder", {"encoder": "ConvEncoders"}),
        (r"unknown regularizer", {"regularization": "L2"}),
        (r"unknown task 'maks'; .*Did you mean 'mask'", {"tasks": ["maks"]}),
        (r"unknown task 'sopt'; .*Did you mean 'spot'", {"tasks": {"sopt": {"weight": 2}}}),
        (r"weight of task 'mask' must be positive; found -1", {"tasks": {"mask": {"weight": -1}}}),
        (
            r"balancer PCGrad has no option 'reducton'; .*Did you mean 'reduction'",
            {"balancing": {"class": "PCGrad", "reducton": "mean"}},
        ),
        (
            r"`reduction` must be 'sum' or 'mean'; found 'median'",
            {"balancing": {"class": "PCGrad", "reduction": "median"}},
        ),
        (
            r"`seed` of PCGrad must be an integer; found 'x'",
            {"balancing": {"class": "PCGrad", "seed": "x"}},
        ),
        (r"`lr` must be a number above 0; found -1", {"optimizer": {"lr": -1}}),
        (
            r"`weight_decay` must be .* at least 0; found -1",
            {"optimizer": {"weight_decay": -1}},
        ),
        (
            r"recipe Tiny has no option 'exampels'; .*Did you mean 'examples'",
            {"recipe": {"class": TINY, "exampels": 3}},
        ),
        (r"unknown rule 'skil'.*Did you mean 'skill'", {"rule": "skil"}),
        (r"`device` 'cup' cannot be used", {"device": "cup"}),
    ],
)
def test_what_does_not_fit_is_refused(words: str, settings: dict[str, Any]) -> None:
    refused(words, **settings)


def test_an_empty_split_is_refused() -> None:
    with pytest.raises(DataError, match="a split must have at least one example; found none"):
        built(recipe="tests.experiments.tiny:EmptySplit")


def test_a_defect_of_a_class_without_options_is_not_taken_for_a_wrong_setting() -> None:
    with pytest.raises(ZeroDivisionError):
        built(recipe="tests.experiments.tiny:Crashes")


@pytest.mark.parametrize(("start", "first"), [("linear", True), ("random", False)])
def test_linear_heads_begin_as_the_settings_say(start: str, first: bool) -> None:
    callbacks = built(start=start).trainer.callbacks
    assert [type(each) for each in callbacks] == [LinearStart] * first
