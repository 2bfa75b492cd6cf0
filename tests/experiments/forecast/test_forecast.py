"""Every balancer has a forecast, in the order of what it costs; the model stays as it is."""

from itertools import islice
from typing import Any

import pytest
import torch
from torch import nn

from plait.balancing import CAGrad, Equal, MoDo, NashMTL, UPGrad
from plait.core.batch import Batch
from plait.core.errors import NonFiniteError
from plait.engine import Options
from plait.experiments.build.first_batches import first_batches
from plait.experiments.forecast import StepSettings, all_balancers, forecast
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Regression
from tests.experiments.forecast.test_trial import opened

TASKS = 8


def wide(**options: Any) -> tuple[MultiTaskModel, list[Batch]]:
    trunk = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256))
    inputs = torch.randn(16, 64)
    names = [f"t{i}" for i in range(TASKS)]
    tasks = [Regression(name, mean=0.0, scale=1.0, **options) for name in names]
    model = MultiTaskModel(Hard(trunk), tasks, example=inputs)
    return model, [model.batch(inputs, {n: torch.randn(16) for n in names}) for _ in range(4)]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two timed steps of each method are enough where no time is tested."""
    monkeypatch.setattr("plait.experiments.forecast.bench.ROUNDS", (2, 2))


def test_each_balancer_is_forecast_and_nothing_is_changed() -> None:
    job, settings = opened()
    model, batches = job.trainer.model, list(islice(first_batches(job), 3))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    drawn = torch.random.get_rng_state()
    found = forecast(model, batches, settings)
    assert {each.balancer for each in found} == set(all_balancers())
    assert found[0].balancer == "Equal" and found[0].ratio == 1.0
    assert [each.why for each in found if each.why] == []
    assert all(each.seconds and each.memory and each.passes for each in found)
    times = [each.ratio or 0 for each in found[1:]]
    assert times == sorted(times)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.random.get_rng_state(), drawn)


def test_rows_and_second_batches_take_their_memory() -> None:
    model, batches = wide()
    shared = sum(p.numel() for p in model.sharing.parameters())
    rows = {"UPGrad": UPGrad(), "MoDo": MoDo()}
    settings = StepSettings(engine=Options(route="rows"))
    told = {each.balancer: each for each in forecast(model, batches, settings, balancers=rows)}
    plain, one, two = (told[name].memory or 0 for name in ("Equal", "UPGrad", "MoDo"))
    buffer = 4 * TASKS * shared
    assert one - plain == pytest.approx(buffer, rel=0.2)
    assert buffer <= two - one <= 2.5 * buffer
    held = 4 * sum(p.numel() for p in model.parameters())
    assert plain >= 4 * held  # the weights, their gradients, two moments
    assert (told["MoDo"].ratio or 0) > (told["UPGrad"].ratio or 0) > 1.0
    assert "T" in told["UPGrad"].passes


def test_without_time_a_method_is_like_one_of_its_kind() -> None:
    model, batches = wide()
    some = {"UPGrad": UPGrad(), "CAGrad": CAGrad(), "NashMTL": NashMTL()}
    found = forecast(model, batches, balancers=some, seconds=0.0)
    told = {each.balancer: each for each in found}
    like = [each.like for each in found if each.like]
    assert len(like) == 2 and set(like) < set(some)
    assert len({(each.seconds, each.memory) for name, each in told.items() if name in some}) == 1


def test_what_a_method_refuses_is_its_reason() -> None:
    model, batches = wide(weight=2.0)
    found = forecast(model, batches, balancers={"IMTLG": all_balancers()["IMTLG"]})
    assert "static weight" in found[-1].why
    assert found[-1].seconds is None


def test_a_loader_and_measured_steps_take_their_time() -> None:
    model, batches = wide()
    some = {"MoDo": MoDo()}
    quick = forecast(model, batches, balancers=some)
    slow = forecast(model, batches, StepSettings(loading=10.0), balancers=some)
    assert 10 < (slow[0].seconds or 0) < 11 and 20 < (slow[1].seconds or 0) < 21
    assert slow[1].ratio == pytest.approx(2.0, rel=0.05)
    measured = forecast(model, batches, StepSettings(measure_every=1), balancers=some)
    assert (measured[1].ratio or 0) < (quick[1].ratio or 0)  # the plain sum has become slower


def test_options_that_a_method_cannot_have_are_left_out() -> None:
    model, batches = wide()
    settings = StepSettings(engine=Options(every=4))
    found = forecast(model, batches, settings, balancers={"UPGrad": UPGrad(), "MoDo": MoDo()})
    assert not [each.why for each in found if each.why]


def test_a_model_that_cannot_step_is_an_error() -> None:
    model, batches = wide()
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(NonFiniteError):
        forecast(model, batches, balancers={"Equal": Equal()})
