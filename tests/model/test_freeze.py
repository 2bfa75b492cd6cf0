"""Freezing tasks and parameters."""

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.model import MultiTaskModel
from plait.model.freeze import freeze
from plait.sharing import Hard, Separate
from plait.tasks import Regression


def made(separate: bool = True) -> MultiTaskModel:
    encoder = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    sharing = Separate(encoder) if separate else Hard(encoder)
    return MultiTaskModel(sharing, [Regression("a"), Regression("b")], example=torch.zeros(2, 3))


def learning(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_a_task_is_its_encoder_and_its_head() -> None:
    model = made()
    every = learning(model)
    encoder, head = freeze(model, ["a"])
    assert encoder is model.sharing.encoder_of("a")
    assert head is model.heads[safe_key("a")]
    still = {id(p) for module in (encoder, head) for p in module.parameters()}
    assert {n for n, p in model.named_parameters() if id(p) in still} == every - learning(model)
    assert not encoder.training
    assert model.sharing.encoder_of("b").training


def test_modules_with_nothing_left_to_learn_stay_still() -> None:
    model = made(separate=False)
    found = freeze(model, ["*.1.*"])
    assert [type(module) for module in found] == [nn.BatchNorm1d]
    assert not found[0].training
    assert freeze(model, ["*.0.weight"]) == found  # its bias still learns
    assert not {name for name in learning(model) if ".1." in name or name.endswith(".0.weight")}


@pytest.mark.parametrize(
    ("separate", "what", "words"),
    [
        (False, ["a"], "task 'a' cannot be frozen alone: its encoder is shared with b"),
        (True, ["c"], "'c' is no task and matches no parameter"),
        (True, ["sharing.encodersx.*"], "is no task and matches no parameter"),
        (True, ["*"], "everything is frozen"),
    ],
)
def test_what_cannot_be_frozen_is_refused(separate: bool, what: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        freeze(made(separate), what)
