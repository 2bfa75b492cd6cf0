"""Options and models that a balancer cannot go with."""

from typing import Any

import pytest
import torch
from torch import nn

import plait.balancing
from plait.balancing import FORUM, Balancer, LossSchedule, UncertaintyWeights, UPGrad
from plait.core.errors import ConfigError
from plait.core.lookup import names, parameters
from plait.model import MultiTaskModel
from plait.sharing import Hard, PaLoRA
from plait.tasks import Regression
from plait.training import Trainer
from plait.training.checks import set_up

EVERY = names(plait.balancing, Balancer)


def model(weight: float = 1.0) -> MultiTaskModel:
    tasks = [Regression("a"), Regression("b", weight=weight)]
    return MultiTaskModel(Hard(nn.Linear(3, 2)), tasks, example=torch.zeros(2, 3))


@pytest.mark.parametrize("name", EVERY)
def test_a_static_weight_needs_a_method_that_sees_it(name: str) -> None:
    kind = getattr(plait.balancing, name)
    balancer: Balancer = kind()
    set_up(balancer, model(), 1, None)
    if not balancer.scale_free:
        set_up(balancer, model(weight=2.0), 1, None)
        return
    message = f"task 'b' has a static weight, but {name} goes the same way"
    with pytest.raises(ConfigError, match=message) as found:
        set_up(balancer, model(weight=2.0), 1, None)
    assert ("give the balancer a `preference`" in str(found.value)) == (
        "preference" in parameters(kind)
    )


@pytest.mark.parametrize("name", EVERY)
def test_a_drawn_preference_needs_a_method_that_sees_it(name: str) -> None:
    balancer: Balancer = getattr(plait.balancing, name)()
    made = MultiTaskModel(
        PaLoRA(nn.Linear(3, 2)), [Regression("a"), Regression("b")], example=torch.zeros(2, 3)
    )
    if not balancer.scale_free:
        set_up(balancer, made, 1, None)
        return
    with pytest.raises(ConfigError, match=rf"PaLoRA multiplies each loss .* but {name} goes the"):
        set_up(balancer, made, 1, None)


def test_some_methods_are_free_of_scale_and_some_have_a_preference() -> None:
    free = [name for name in EVERY if getattr(plait.balancing, name)().scale_free]
    ways = {"preference" in parameters(getattr(plait.balancing, name)) for name in free}
    assert ways == {True, False}
    assert len(free) < len(EVERY)


def test_the_trainer_asks() -> None:
    with pytest.raises(ConfigError, match="give the balancer a `preference` instead"):
        Trainer(model(weight=2.0), plait.balancing.FAMO(), device="cpu")


def test_a_schedule_names_tasks_of_the_model() -> None:
    with pytest.raises(ConfigError, match="task 'c'"):
        set_up(UPGrad(), model(), 1, LossSchedule({"c": (0.0, 0.5)}))
    with pytest.raises(ConfigError, match="must leave one task in the first step"):
        set_up(UPGrad(), model(), 1, LossSchedule({"a": (0.1, 0.5), "b": (0.2, 0.2)}))


@pytest.mark.parametrize(
    ("accumulate", "schedule", "what"),
    [(2, None, "`accumulate`"), (1, LossSchedule({"b": (0.0, 0.5)}), "`schedule`")],
)
def test_a_method_that_looks_ahead_has_one_batch(
    accumulate: int, schedule: LossSchedule | None, what: str
) -> None:
    with pytest.raises(ConfigError, match=f"FORUM looks ahead from one batch; {what}"):
        set_up(FORUM(), model(), accumulate, schedule)
    set_up(FORUM(), model(), 1, None)
    set_up(UPGrad(), model(), accumulate, schedule)


class Moved(UncertaintyWeights):
    """Notes what goes to the device."""

    def to(self, *args: Any, **options: Any) -> Any:
        self.moved = len(list(self.parameters()))
        return super().to(*args, **options)


def test_learned_weights_go_to_the_device() -> None:
    """They are made when the tasks are known."""
    balancer = Moved()
    Trainer(model(), balancer, device="cpu")
    assert balancer.moved == 2
