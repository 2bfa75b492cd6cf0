"""Steps are measured from one start, each beside a plain one."""

import torch

from plait.balancing import CAGrad, Equal, UncertaintyWeights
from plait.engine import Options
from plait.experiments.forecast import StepSettings
from plait.experiments.forecast.bench import Bench
from tests.experiments.forecast.test_forecast import few, wide

__all__ = ["few"]  # a fixture


def test_each_method_starts_from_the_same_weights() -> None:
    model, batches = wide()
    bench = Bench(model, batches, StepSettings())
    first = bench(CAGrad())
    assert not torch.equal(next(bench.model.parameters()), next(model.parameters()))
    bench(UncertaintyWeights())
    again = bench(CAGrad())
    assert again.memory == first.memory
    assert again.passes == first.passes
    assert len(first.ratios) == len(first.plain) == 2
    assert all(time > 0 for time in first.plain)


def test_weights_that_serve_several_steps_are_averaged_over_them() -> None:
    model, batches = wide()
    bench = Bench(model, batches, StepSettings(engine=Options(every=4)))
    found = bench(CAGrad())
    assert len(found.ratios) == 1
    assert len(found.plain) % 4 == 0


def test_measuring_costs_time() -> None:
    model, batches = wide()
    assert Bench(model, batches, StepSettings()).of_measuring() > 0
    assert Bench(model, batches, StepSettings())(Equal()).passes.startswith("1")
