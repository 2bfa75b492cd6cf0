"""Any optimizer and any scheduler of torch, with the options that it has."""

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.experiments.build.optimizer import optimizer_arguments, scheduler_maker
from plait.experiments.config import Method


def named(name: str, **options: object) -> Method:
    return Method.model_validate({"class": name, **options})


def groups(*rates: float) -> list[dict[str, object]]:
    return [{"params": [nn.Parameter(torch.ones(1))], "lr": rate} for rate in rates]


def test_rates_go_to_the_trainer_and_the_rest_to_the_class() -> None:
    found = optimizer_arguments(named("SGD", lr=0.5, weight_decay=0.1, momentum=0.9))
    assert found["lr"] == 0.5 and found["weight_decay"] == 0.1
    optimizer = found["optimizer"](groups(0.5))
    assert isinstance(optimizer, torch.optim.SGD)
    assert optimizer.defaults["momentum"] == 0.9
    assert set(optimizer_arguments(named("Adam"))) == {"optimizer"}


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (named("AdamX"), "AdamX"),
        (named("SGD", momentun=0.9), "has no option 'momentun'.*momentum"),
        (named("SGD", lr="fast"), "'optimizer.lr' must be a number; found 'fast'"),
        (named("SGD", params=[1]), "has no option 'params'"),
    ],
)
def test_what_torch_does_not_have_is_refused(method: Method, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        optimizer_arguments(method)


def test_no_scheduler_is_none() -> None:
    assert scheduler_maker(None, 10, 0.1) is None


def test_the_length_of_the_training_is_filled_in_unless_it_is_given() -> None:
    optimizer = torch.optim.SGD(groups(0.1))
    cosine = scheduler_maker(named("CosineAnnealingLR"), 40, 0.1)(optimizer)
    assert cosine.T_max == 40
    optimizer = torch.optim.SGD(groups(0.1))
    assert scheduler_maker(named("CosineAnnealingLR", T_max=7), 40, 0.1)(optimizer).T_max == 7


def test_groups_keep_their_factor_of_the_base_rate() -> None:
    optimizer = torch.optim.SGD(groups(0.1, 0.5), momentum=0.9)
    make = scheduler_maker(named("OneCycleLR", max_lr=2.0), 40, 0.1)
    scheduler = make(optimizer)
    assert [group["max_lr"] for group in optimizer.param_groups] == pytest.approx([2.0, 10.0])
    assert scheduler.total_steps == 40


def test_an_unknown_option_of_a_scheduler_is_refused() -> None:
    with pytest.raises(ConfigError, match="has no option 'gama'"):
        scheduler_maker(named("StepLR", step_size=2, gama=0.5), 10, 0.1)
