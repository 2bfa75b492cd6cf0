"""Real steps with one balancer after the other, on one copy of a model."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from plait.balancing.base import Balancer
from plait.balancing.equal import Equal
from plait.core.batch import Batch
from plait.core.errors import ConfigError
from plait.engine import Options
from plait.experiments.forecast.peak import bytes_of_module, peak_bytes
from plait.experiments.forecast.trial import StepSettings, Trial
from plait.model import MultiTaskModel
from plait.networks.copies import copied

ROUNDS = (3, 20)  # the least and the most steps that are timed
ENOUGH = 0.25  # seconds of timed steps of one method
FIRST = 2  # steps before, in which memory is taken and graphs are learned


@dataclass(frozen=True)
class Measured:
    """The steps of one method.

    Attributes:
        ratios: time of each step over that of a plain sum just before it.
        plain: times of these plain steps, in seconds.
        memory: see `Forecast`.
        passes: likewise, as the engine's record has it.
    """

    ratios: list[float]
    plain: list[float]
    memory: int
    passes: str


class Bench:
    """Measures steps on one copy of a model, whose weights are put back before each method.

    Args:
        model: is copied.
        batches: of a training.
        settings: of the training.
    """

    def __init__(
        self, model: MultiTaskModel, batches: Sequence[Batch], settings: StepSettings
    ) -> None:
        copy = copied(model)
        assert isinstance(copy, MultiTaskModel)
        self.model = copy.train()
        self.device = next(self.model.parameters()).device
        self.batches = list(batches)
        self.settings = settings
        self._start = {name: value.clone() for name, value in self.model.state_dict().items()}

    def of_measuring(self) -> float:
        """Returns the time that measuring the gradients adds to a plain step, in plain steps."""
        self._put_back()
        trial = self._trial(Equal())
        ratios = []
        for number in range(FIRST + ROUNDS[0]):
            plain, measured = self._seconds(trial), self._seconds(trial, measure=True)
            if number >= FIRST:
                ratios.append(measured / plain)
        return max(statistics.median(ratios) - 1.0, 0.0)

    def __call__(self, balancer: Balancer) -> Measured:
        """Takes steps with a balancer.

        Raises:
            PlaitError: it cannot be used with this model, these settings or these losses.
        """
        self._put_back()
        plain, trials = self._trial(Equal()), list[Trial]()
        for _ in range(FIRST):
            plain()
        self._put_back()
        gc.collect()

        def first_steps() -> None:
            trials.append(self._trial(balancer))
            for _ in range(FIRST):
                trials[0]()

        memory = bytes_of_module(self.model) + peak_bytes(self.device, first_steps)
        (trial,) = trials
        every = self.settings.engine.every
        least, most = (-(-each // every) * every for each in ROUNDS)
        ratios: list[float] = []
        times: list[float] = []
        spent = 0.0
        passes = self._passes(trial)
        gc.disable()
        try:
            while len(ratios) < least or (len(ratios) < most and spent < ENOUGH):
                times.append(self._seconds(plain))
                taken = self._seconds(trial)
                ratios.append(taken / times[-1])
                spent += taken
        finally:
            gc.enable()
        if every > 1:  # a cycle of steps that find weights and steps that use them
            ratios = [statistics.fmean(ratios[: len(ratios) // every * every])]
        return Measured(ratios, times, memory, passes)

    def _trial(self, balancer: Balancer) -> Trial:
        """Returns the steps of a method; options that it cannot have are at their defaults."""
        try:
            return Trial(self.model, balancer, self.batches, self.settings)
        except ConfigError:
            plain = replace(self.settings, engine=Options())
            return Trial(self.model, balancer, self.batches, plain)

    def _seconds(self, trial: Trial, *, measure: bool = False) -> float:
        self._wait()
        start = time.perf_counter()
        trial(measure=measure)
        self._wait()
        return time.perf_counter() - start

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def _passes(self, trial: Trial) -> str:
        balance = None if trial.last is None else trial.last.balance
        return "" if balance is None else balance.passes

    def _put_back(self) -> None:
        """Gives the model the weights of the start, without gradients."""
        self.model.load_state_dict(self._start)
        self.model.zero_grad(set_to_none=True)
