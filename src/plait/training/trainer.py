"""The Trainer: epochs, evaluation, checkpoints and callbacks around `training_step`."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from plait.balancing.base import Balancer, LossBalancer
from plait.balancing.contract.info import Info
from plait.balancing.equal import Equal
from plait.balancing.loss_schedule import LossSchedule
from plait.core.batch import Batch
from plait.core.errors import ConfigError, DataError, NonFiniteError, RunExistsError
from plait.engine import Backward
from plait.evaluation.evaluate import as_batch, evaluate
from plait.evaluation.rules import Rule
from plait.evaluation.rules import rule as rule_of
from plait.model import MultiTaskModel
from plait.runs import EventLog, folder
from plait.training.callbacks import Callback
from plait.training.checkpoint import read_checkpoint, write_checkpoint
from plait.training.checks import check_balancer, steps_per_epoch
from plait.training.device import autocast, pick_device
from plait.training.feed import Feed
from plait.training.groups import MakeOptimizer, make_optimizer
from plait.training.interrupt import Interrupted, StopFlag
from plait.training.options import GroupOptions, Precision, TrainerOptions
from plait.training.randomness import seed_all
from plait.training.records import logs_cosines, step_event, validation_event
from plait.training.snapshot import State, load_snapshot, snapshot
from plait.training.step import StepRecord, training_step
from plait.training.watch import log_watched

MakeScheduler = Callable[[torch.optim.Optimizer], Any]


class Trainer:
    """Trains a multi-task model.

    Args:
        model: the model.
        balancer: how the tasks are balanced; `Equal` by default.
        optimizer: an optimizer class or any function of parameter groups (AdamW by default), or an
            optimizer that was made by hand; it must then hold every parameter that learns.
        lr: base learning rate of the groups; 1e-3 by default.
        weight_decay: of the model's parameters; 0 by default.
        scheduler: a function of the optimizer; it steps after each optimizer step
            (`ReduceLROnPlateau`: after each evaluation, on the score of the rule; scores may be
            negative, where its relative threshold misleads: set `threshold_mode="abs"`).
        epochs: how often the training data are gone through.
        device: "auto" (the accelerator that torch finds, else the CPU) or a device's name.
        precision: "fp32", or "bf16" for a forward pass under autocast.
        accumulate: micro-batches in an optimizer step. The step is that of the joined batch, task
            by task: losses and gradients merge as sum(n L) / sum(n).
        clip: largest length of the whole gradient; None does not clip.
        schedule: when which task's loss counts; see `plait.balancing.LossSchedule`.
        seed: of everything that is drawn in training.
        run: the run folder; None keeps no files.
        rule: which epoch is best: "skill", "worst", "loss", "task/metric", or a function.
        patience: epochs without a new best after which training stops; None never stops early.
        measure_every: every so many steps, norms and cosines of the tasks' gradients are recorded
            for a loss method too (gradient methods always have them); 0 never. With more than 32
            tasks, the log has the cosines of fewer steps: about 500 numbers a step.
        log_every: steps between two writes of `events.jsonl`.
        checkpoint_every: steps between two checkpoints, beside those after each epoch.
        callbacks: see `Callback`.
        options: `scale`, `head_weights`, `at`, `route`, `every`, `chunk_size` and `nonfinite` of
            `plait.Backward`. A step that is skipped leaves running statistics as they were.

    A method that reads several independent batches in a step takes as many times `accumulate`
    batches of the loader; those left over at the end of an epoch are not used.

    Raises:
        ConfigError: an option is outside its range, or cannot go with the balancer; a parameter
            that learns is in no optimizer.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        balancer: Balancer | None = None,
        *,
        optimizer: MakeOptimizer | torch.optim.Optimizer = torch.optim.AdamW,
        lr: float = GroupOptions.lr,
        weight_decay: float = GroupOptions.weight_decay,
        scheduler: MakeScheduler | None = None,
        epochs: int = TrainerOptions.epochs,
        device: str = TrainerOptions.device,
        precision: Precision = TrainerOptions.precision,
        accumulate: int = TrainerOptions.accumulate,
        clip: float | None = TrainerOptions.clip,
        schedule: LossSchedule | None = None,
        seed: int = TrainerOptions.seed,
        run: str | Path | None = None,
        rule: str | Rule = TrainerOptions.rule,
        patience: int | None = TrainerOptions.patience,
        measure_every: int = TrainerOptions.measure_every,
        log_every: int = TrainerOptions.log_every,
        checkpoint_every: int | None = TrainerOptions.checkpoint_every,
        callbacks: Sequence[Callback] = (),
        **options: Any,
    ) -> None:
        self.options = TrainerOptions(
            epochs=epochs,
            device=device,
            precision=precision,
            accumulate=accumulate,
            clip=clip,
            seed=seed,
            rule=rule,
            patience=patience,
            measure_every=measure_every,
            log_every=log_every,
            checkpoint_every=checkpoint_every,
        )
        groups = GroupOptions(lr, weight_decay)
        self.device = pick_device(device)
        self.model = model.to(self.device)
        self.balancer = (balancer or Equal()).to(self.device)
        self.balancer.setup(tuple(model.tasks))
        check_balancer(self.balancer, model, accumulate, schedule)
        self.backward = Backward(self.balancer, model, **options)
        self.optimizer = make_optimizer(optimizer, self.model, self.balancer, groups)
        self.scheduler: Any = None if scheduler is None else scheduler(self.optimizer)
        self.schedule = schedule
        self.run = None if run is None else Path(run)
        self.callbacks = list(callbacks)
        self.score = rule_of(rule, model.tasks)
        self.state = State()
        self.statistics: dict[str, Tensor] = {}
        self.steps_per_epoch: int | None = None
        self.log = EventLog(None if self.run is None else self.run / folder.EVENTS)
        self._autocast = autocast(self.device, precision)
        self._best_weights: dict[str, Any] | None = None
        self._stop = StopFlag()

    def fit(self, train: Any, val: Any = None, *, resume: bool = False) -> State:
        """Trains, and leaves the model with the weights of the best epoch if there is `val`.

        Args:
            train: a loader of `(inputs, {task: labels})`, or with a third entry
                `{task: weights}`.
            val: the same for the validation data; without it there is no best epoch.
            resume: go on from the last checkpoint of the run folder; on the CPU, with the same
                data and options, the result is that of the uninterrupted run to the last bit.

        Returns:
            Where the training ended, with the best epoch and its metrics.

        Raises:
            RunExistsError: the run folder holds a run and `resume` is false. Nothing in it was
                touched.
            CheckpointError: the checkpoint is missing, damaged, or of another model.
            NonFiniteError: a loss or gradient is not finite; names the step and the task.
            DataError: labels break their task's rule, or a task never has any.
            Interrupted: Ctrl-C or SIGTERM, after a checkpoint.
        """
        feed = Feed(train, self.options.seed)
        self.steps_per_epoch = self._count_steps(train)
        self._begin(resume)
        try:
            with self._stop.listening():
                self._tell("on_train_start")
                while self.state.epoch < self.options.epochs and not self._exhausted():
                    self._epoch(feed)
                    self._finish_epoch(val)
                    self._obey()
                self._restore_best()
                self._tell("on_train_end")
        except BaseException as error:
            self.log.flush()
            self._tell("on_exception", error)
            raise
        return self.state

    def _begin(self, resume: bool) -> None:
        """Starts anew, or from the last checkpoint."""
        if resume:
            if self.run is None:
                raise ConfigError("`resume` needs a run folder. Give the Trainer `run=`.")
            load_snapshot(self, read_checkpoint(self._checkpoint(folder.LAST)))
            return
        if self.run is not None:
            if (self.run / folder.EVENTS).exists() or (self.run / folder.LAST).exists():
                raise RunExistsError(
                    f"{self.run} already holds a run; nothing in it was touched. "
                    "Name another folder, or resume it."
                )
            self.run.mkdir(parents=True, exist_ok=True)
        self.state, self.statistics, self._best_weights = State(), {}, None
        seed_all(self.options.seed, "fit")
        self.save()
        if self.run is not None:  # a state that cannot be read back is found now, not after a crash
            read_checkpoint(self._checkpoint(folder.LAST))

    def _epoch(self, feed: Feed) -> None:
        """Runs the steps of one epoch that are still to do."""
        self.model.train()
        batches = feed.epoch(self.state.epoch, skip=self.state.batch)
        started = time.perf_counter()
        for micro_batches in self._windows(batches):
            record = self._step(micro_batches)
            now = time.perf_counter()
            self.state.seconds += now - started
            started = now
            self._log_step(record)
            self._tell("on_step_end", record)
            self._obey()
            every = self.options.checkpoint_every
            if every and self.state.step % every == 0:
                self.save()

    def _obey(self) -> None:
        """Ends the training, after a checkpoint, where a signal has asked for it."""
        if self._stop.received is not None:
            self.save()
            raise Interrupted(self._stop.received, self.run)

    def _count_steps(self, train: Any) -> int | None:
        """Returns the optimizer steps in an epoch, if the loader knows its length."""
        if not hasattr(train, "__len__"):
            return None
        return steps_per_epoch(len(train), self.options.accumulate, self.balancer)

    def _windows(self, batches: Iterator[Any]) -> Iterator[list[Batch]]:
        whole = self.options.accumulate * self.balancer.batches
        while window := self._window(batches, whole):
            if len(window) == whole or self.balancer.batches == 1:
                yield [as_batch(self.model, item) for item in window]
            elif self.state.batch == 0:  # a loader without a length: it is an error now
                steps_per_epoch(len(window), self.options.accumulate, self.balancer)

    def _window(self, batches: Iterator[Any], size: int) -> list[Any]:
        try:
            return list(islice(batches, size))
        except RuntimeError:
            self._obey()  # Ctrl-C may end the loader's workers before it is obeyed here
            raise

    def _step(self, batches: list[Batch]) -> StepRecord:
        """Takes one step and moves the state on."""
        if self.state.epoch == 0:
            self._summarise(batches)
        step = self.state.step + 1
        try:
            info = self._info()
            factors = None
            if self.schedule is not None:
                factors = self.schedule.factors(self.model.tasks, info.progress)
            record = training_step(
                self.model,
                batches,
                self.backward,
                self.optimizer,
                info=info,
                factors=factors,
                autocast=self._autocast,
                device=self.device,
                clip=self.options.clip,
                measure=self.options.measure_every > 0 and step % self.options.measure_every == 0,
                watch=step == 1 or step % self.options.log_every == 0,
            )
        except NonFiniteError as error:
            raise NonFiniteError(f"step {step}: {error}") from None
        if self.scheduler is not None and not self._on_plateau():
            self.scheduler.step()
        self.state.step = step
        self.state.batch += len(batches)
        return record

    def _finish_epoch(self, val: Any) -> None:
        """Evaluates, keeps the best weights, and saves."""
        self.state.epoch += 1
        self.state.batch = 0
        missing = [task for task in self.model.tasks if task not in self.state.seen]
        if missing:
            raise DataError(
                f"task {', '.join(missing)} had no valid label in the whole first epoch. "
                "Check the labels' names, or leave the task out."
            )
        if val is not None:
            self._evaluate(val)
        self._tell("on_epoch_end")
        self.save()

    def _evaluate(self, val: Any) -> None:
        started = time.perf_counter()
        evaluation = evaluate(self.model, val, device=self.device, statistics=self.statistics)
        score = float(self.score(evaluation))
        self.state.seconds += time.perf_counter() - started
        if self._on_plateau():
            self.scheduler.step(-score if self.scheduler.mode == "min" else score)
        if score > self.state.best_score:
            self.state.best_score = score
            self.state.best_epoch = self.state.epoch
            self.state.best_metrics = evaluation.metrics
            self._keep_best()
        where = {"epoch": self.state.epoch, "step": self.state.step}
        seconds = round(self.state.seconds, 3)
        self.log.write(validation_event(evaluation, **where, score=score, seconds=seconds))
        self._tell("on_validation_end", evaluation, score)

    def save(self) -> None:
        """Writes the checkpoint from which training goes on; without a run folder, does nothing."""
        size = self.log.flush()
        if self.run is not None:
            path = self._checkpoint(folder.LAST)
            write_checkpoint(path, snapshot(self, log_size=size))
            self._tell("on_save", path)

    def _keep_best(self) -> None:
        if self.run is None:
            self._best_weights = copy.deepcopy(self.model.state_dict())
        else:
            write_checkpoint(self._checkpoint(folder.BEST), {"model": self.model.state_dict()})

    def _restore_best(self) -> None:
        if self.state.best_epoch and self.run is not None:
            self.model.load_state_dict(read_checkpoint(self._checkpoint(folder.BEST))["model"])
        elif self._best_weights is not None:
            self.model.load_state_dict(self._best_weights)

    def _summarise(self, batches: Sequence[Batch]) -> None:
        """Adds up label statistics in the first epoch, for the trivial predictors."""
        for batch in batches:
            for part in batch.parts:
                for name, target in part.targets.items():
                    self.state.seen[name] = self.state.seen.get(name, 0.0) + part.counts[name]
                    found = self.model.tasks[name].summarise(target, part.weights.get(name))
                    if found is not None:
                        known = self.statistics.get(name)
                        self.statistics[name] = found if known is None else known + found

    def _log_step(self, record: StepRecord) -> None:
        reuses, loss_method = self.backward.options.every, isinstance(self.balancer, LossBalancer)
        period = (self.options.measure_every or 1) if loss_method else reuses
        cosines = logs_cosines(self.state.step, len(self.model.tasks), period)
        event = step_event(
            record,
            step=self.state.step,
            epoch=self.state.epoch,
            lr=self.optimizer.param_groups[0]["lr"],
            seconds=round(self.state.seconds, 3),
            cosines=cosines,
        )
        self.log.write(event)
        log_watched(self.log, self.state, record.watched)
        if self.state.step % self.options.log_every == 0:
            self.log.flush()

    def _info(self) -> Info:
        total = None if self.steps_per_epoch is None else self.options.epochs * self.steps_per_epoch
        progress = self.state.step / total if total else self.state.epoch / self.options.epochs
        rate = float(self.optimizer.param_groups[0]["lr"])
        return Info((), epoch=self.state.epoch, progress=progress, learning_rate=rate)

    def _on_plateau(self) -> bool:
        return isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)

    def _exhausted(self) -> bool:
        if self.options.patience is None or not self.state.best_epoch:
            return False
        return self.state.epoch - self.state.best_epoch >= self.options.patience

    def _checkpoint(self, name: str) -> Path:
        assert self.run is not None
        return self.run / name

    def _tell(self, event: str, *values: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *values)
