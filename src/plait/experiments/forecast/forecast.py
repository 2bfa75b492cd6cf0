"""A forecast for every balancer: a few real steps each, on a copy of the model."""

from __future__ import annotations

import gc
import statistics
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

from plait.balancing.base import Balancer
from plait.balancing.equal import Equal
from plait.core.batch import Batch
from plait.core.errors import PlaitError
from plait.core.families import FAMILIES
from plait.core.lookup import names
from plait.core.random_state import random_state_kept
from plait.experiments.forecast.bench import Bench, Measured
from plait.experiments.forecast.trial import StepSettings
from plait.model import MultiTaskModel
from plait.runs.diagnosis import Forecast


def all_balancers() -> dict[str, Balancer]:
    """Returns a new balancer of each class of `plait.balancing`, with its default options."""
    family = FAMILIES["balancing"]
    found = names(family.package, family.base)
    return {name: getattr(family.package, name)() for name in found}


def forecast(
    model: MultiTaskModel,
    batches: Sequence[Batch],
    settings: StepSettings | None = None,
    *,
    balancers: Mapping[str, Balancer] | None = None,
    seconds: float = 30.0,
) -> list[Forecast]:
    """Forecasts time and memory of a training step with each balancer, before training.

    A few real steps of each method are taken on one copy of the model, each beside a step of the
    plain sum on the same batches, so that a machine whose speed drifts tells the same ratios. Once
    the time is up, the other methods are said to take what a method of the same kind took: one that
    reads the same and takes as many passes.

    Args:
        model: stays as it is.
        batches: of a training, such as its first 8; at least as many as a step reads.
        settings: of the training; those of `plait.Trainer` by default.
        balancers: `{name: a new balancer}`; one of each class by default.
        seconds: after which no further method is measured, unless none of its kind was.

    Returns:
        The plain sum first, then the others by their time; those that cannot be used here last.

    Raises:
        PlaitError: not even the plain sum can be used here.

    Cost: `seconds` at most for small models; a copy of the model, and the memory of one method at a
        time.
    """
    settings = settings or StepSettings()
    measure_every, loading = settings.measure_every, settings.loading
    chosen = {Equal.__name__: Equal()} | dict(all_balancers() if balancers is None else balancers)
    with random_state_kept(next(model.parameters()).device), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bench = Bench(model, batches, settings)
        extra = bench.of_measuring() / measure_every if measure_every else 0.0
        gc.collect()
        gc.freeze()  # what is there already is not looked through again for each method
        try:
            found, why = _measure_all(bench, chosen, seconds)
        finally:
            gc.unfreeze()
    plain = statistics.median(time for each in found.values() for time in each.plain)
    found[Equal.__name__] = replace(found[Equal.__name__], ratios=[1.0])
    ready: list[Forecast] = []
    base = plain * (1 + extra) + loading * settings.accumulate
    for name, balancer in chosen.items():
        like, measured = name, found.get(name)
        if measured is None and name not in why:
            like, measured = next(
                (other, found[other]) for other in found if kind(chosen[other]) == kind(balancer)
            )
        if measured is None:
            ready.append(_cannot(name, why[name]))
            continue
        ratio = statistics.median(measured.ratios) + (extra if balancer.reads == "losses" else 0)
        total = plain * ratio + loading * settings.accumulate * balancer.batches
        passes, _, route = measured.passes.partition(", ")
        ready.append(
            Forecast(
                balancer=name,
                seconds=total,
                ratio=total / base,
                memory=measured.memory,
                passes=passes,
                route=route,
                like="" if like == name else like,
            )
        )
    first = ready.pop(next(i for i, f in enumerate(ready) if f.balancer == Equal.__name__))
    return [first, *sorted(ready, key=lambda each: (bool(each.why), each.ratio or 0.0))]


def kind(balancer: Balancer) -> tuple[object, ...]:
    """Returns the traits of a method that its time and memory follow from."""
    return (
        balancer.reads,
        balancer.at,
        balancer.batches,
        balancer.row_buffers,
        balancer.rereads,
        getattr(balancer, "groups", "whole"),
        getattr(balancer, "exact", False),
        getattr(balancer, "tasks_per_step", None),
    )


def _measure_all(
    bench: Bench, balancers: Mapping[str, Balancer], seconds: float
) -> tuple[dict[str, Measured], dict[str, str]]:
    """Measures, the first of each kind first; also returns why some cannot be used."""
    begun, kinds = time.perf_counter(), set[tuple[object, ...]]()
    order = sorted(balancers, key=lambda name: _is_new(kind(balancers[name]), kinds), reverse=True)
    found: dict[str, Measured] = {}
    why: dict[str, str] = {}
    for name in order:
        known = {kind(balancers[other]) for other in found}
        late = time.perf_counter() - begun > seconds
        if late and kind(balancers[name]) in known:
            continue
        try:
            found[name] = bench(balancers[name])
        except PlaitError as error:
            if name == Equal.__name__:
                raise
            why[name] = str(error)
    return found, why


def _is_new(of: tuple[object, ...], known: set[tuple[object, ...]]) -> bool:
    """Returns whether a kind comes for the first time, and remembers it."""
    new = of not in known
    known.add(of)
    return new


def _cannot(name: str, why: str) -> Forecast:
    return Forecast(balancer=name, seconds=None, ratio=None, memory=None, passes="", why=why)
