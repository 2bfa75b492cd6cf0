"""A training's place on the disk: its settings, its log and its last checkpoint."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from plait.balancing.base import Balancer
from plait.balancing.schedules.loss_schedule import LossSchedule
from plait.core.errors import (
    CheckpointError,
    ConfigError,
    PlaitWarning,
    UnsupportedError,
)
from plait.core.files import write_json
from plait.distributed import ranks
from plait.distributed.shards import is_sharded, parted_states, whole_values
from plait.model import MultiTaskModel
from plait.model.folder import load_state
from plait.runs import EventLog, folder
from plait.runs.environment import environment
from plait.runs.folder import how_to_resume, make_folder, run_exists
from plait.training.agreement import check_agreement, check_position
from plait.training.checkpoint import read_checkpoint
from plait.training.schedulers import Rates
from plait.training.settings import Settings, described, model_settings
from plait.training.writer import Writer


class Stateful(Protocol):
    """Anything whose state can be taken and given back, in values that load without pickle."""

    def state_dict(self) -> Any:
        """Returns tensors, numbers, strings and containers of them."""

    def load_state_dict(self, saved: Any, /) -> Any:
        """Takes the state over from a `state_dict`."""


def about(
    model: MultiTaskModel,
    options: Iterable[object],
    balancer: Balancer,
    rates: Rates,
    schedule: LossSchedule | None,
) -> dict[str, Settings]:
    """Returns the set-up of a training: options, model, optimizer and scheduler.

    Args:
        model: the model.
        options: dataclasses.
        balancer: the method.
        rates: have the optimizer and its scheduler.
        schedule: of the losses.
    """
    given = {name: value for each in options for name, value in vars(each).items()}
    given |= {"balancer": balancer, "optimizer": type(rates.optimizer), "schedule": schedule}
    given |= {"scheduler": rates.scheduler and type(rates.scheduler)}
    own = {"options": described(given), "model": model_settings(model)}
    return own | rates.settings()


class Keeper:
    """Saves a training in its run folder, and resumes it.

    Args:
        run: the run folder; None keeps nothing.
        model: is saved with every checkpoint.
        log: is written to the disk before each checkpoint, and cut back on resuming.
        about: what the run was set up with, `{section: settings}` in plain values; a run that
            resumes must agree with it, see `check_agreement`.
        behind: whether training goes on while checkpoints are written.
    """

    def __init__(
        self,
        run: Path | None,
        model: MultiTaskModel,
        log: EventLog,
        about: Mapping[str, Any],
        *,
        behind: bool = False,
    ) -> None:
        self.run = run
        self.model = model
        self.log = log
        self.about = dict(about)
        self.writer = Writer(behind=behind)

    def begin(self) -> None:
        """Makes the run folder, with trainer.json and env.json.

        Raises:
            RunExistsError: it holds a run; nothing in it was touched.
            ConfigError: it cannot be made.
        """
        if self.run is not None:
            ranks().at_first(self._begin)

    def _begin(self) -> None:
        assert self.run is not None
        if any((self.run / name).exists() for name in (folder.EVENTS, folder.LAST)):
            way = f"Name another folder, or go on with it: {how_to_resume(self.run)}."
            raise run_exists(self.run, way)
        make_folder(self.run)
        write_json(self.run / folder.TRAINER, self.about)
        write_json(self.run / folder.ENVIRONMENT, environment(self.about["options"]["seed"]))

    def save(self, parts: Mapping[str, Stateful]) -> Path | None:
        """Writes the checkpoint from which training goes on, and returns where it is, or will be.

        Args:
            parts: `{name: what has to be remembered}`, beside the model; `state` is the `State`.
        """
        if self.run is None:
            return None
        own = {name: part.state_dict() for name, part in parts.items()}
        states = whole_values({"model": self.model.state_dict(), **own})
        ranks().at_first(lambda: self._write(states))
        return self.run / folder.LAST

    def _write(self, states: Mapping[str, Any]) -> None:
        assert self.run is not None
        own = {"about": self.about, "log_size": self.log.sync()}
        self.writer.write(self.run / folder.LAST, {**own, **states})

    def verify(self) -> None:
        """Reads the last checkpoint: a state that cannot be read back is found before a crash."""
        if self.run is not None:
            ranks().at_first(self._verify)

    def _verify(self) -> None:
        assert self.run is not None
        self.writer.wait()
        read_checkpoint(self.run / folder.LAST)

    def resume(self, parts: Mapping[str, Stateful]) -> None:
        """Puts the model, the parts and the log where the last checkpoint has them.

        Args:
            parts: as for `save`.

        Raises:
            ConfigError: there is no run folder.
            CheckpointError: the checkpoint is missing or damaged, was made with other options or
                another model, or has gone beyond the epochs that are asked for.
        """
        if self.run is None:
            raise ConfigError("`resume` needs a run folder. Give the Trainer `run=`.")
        path = self.run / folder.LAST
        saved = ranks().at_first(lambda: read_checkpoint(path))
        check_agreement(saved["about"], self.about, self.run)
        check_position(saved, self.about, self.run)
        states = saved.keys() - {"format", "version", "about", "log_size", "model"}
        for name in sorted(states ^ parts.keys()):
            raise CheckpointError(
                f"the checkpoint and this run do not both have a {name}. Resume with the options "
                "of the first run."
            )
        load_state(self.model, saved["model"], "the checkpoint")
        for name, part in parts.items():
            try:
                state = saved[name]
                if isinstance(part, torch.optim.Optimizer):
                    state = parted_states(part, state)
                part.load_state_dict(state)
            except ValueError as error:
                raise CheckpointError(
                    f"the checkpoint was made with another {name}: {error}."
                ) from None
        size, path = saved["log_size"], self.run / folder.TRAINER
        ranks().at_first(lambda: self.log.truncate(size))
        ranks().at_first(lambda: write_json(path, self.about))  # epochs and the like may be others

    def finish(self, metrics: Mapping[str, Mapping[str, float]]) -> None:
        """Waits for the last checkpoint, and writes the model folder into the run folder.

        It warns of a model that has no such file.

        Args:
            metrics: `{task: {metric: value}}` for its card.
        """
        ranks().at_first(self.writer.wait)
        if self.run is None or not (ranks().first or is_sharded(self.model)):
            return
        try:
            self.model.save_pretrained(self.run / folder.MODEL, metrics=metrics)
        except UnsupportedError as error:  # it has trained, and its checkpoints are there
            text = f"{self.run / folder.MODEL} was not written: {error}"
            warnings.warn(text, PlaitWarning, stacklevel=3)
