"""The Trainer: epochs, evaluation, checkpoints and callbacks around `training_step`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from plait.balancing.base import Balancer
from plait.balancing.contract.info import Info
from plait.balancing.equal import Equal
from plait.balancing.schedules.loss_schedule import LossSchedule
from plait.core.arguments import checked
from plait.core.batch import Batch
from plait.core.options import chosen
from plait.core.reduction import Reduction
from plait.data import batches_of
from plait.data.passes import batches_in
from plait.distributed import ranks
from plait.engine import At, Backward, HeadWeights, NonFinite, Options, RouteChoice, Scale
from plait.evaluation.evaluate import evaluate
from plait.evaluation.rules import Rule
from plait.evaluation.rules import rule as rule_of
from plait.model import MultiTaskModel
from plait.runs import folder
from plait.training.batch_statistics import check_alike
from plait.training.best import BestWeights
from plait.training.callbacks import Callback
from plait.training.checks import set_up
from plait.training.device import autocast, pick_device
from plait.training.ending import log_end
from plait.training.feed import Feed, check_loader
from plait.training.first import FirstSteps, judged
from plait.training.groups import MakeOptimizer, make_optimizer
from plait.training.inputs import located
from plait.training.interrupt import StopFlag
from plait.training.joined import Joining
from plait.training.keeper import Keeper, Stateful, about
from plait.training.labels import LabelStatistics
from plait.training.log import TrainingLog
from plait.training.mixture_log import MixtureLog
from plait.training.options import Best, GroupOptions, Parallel, Precision, TrainerOptions
from plait.training.parallel import measured, spread, start_alike
from plait.training.parts import check_loaders
from plait.training.progress import with_progress
from plait.training.randomness import Generators, seed_all
from plait.training.schedulers import MakeScheduler, Rates
from plait.training.state import State
from plait.training.step import StepRecord, training_step
from plait.training.step_log import log_step
from plait.training.units import fit_units
from plait.training.validation import look_ahead
from plait.training.windows import steps_per_epoch, windows


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
        epochs: how often the training data are gone through, at most.
        minutes: of training and evaluation, after which training ends with the step at hand, once
            each task has had a label; the epoch is evaluated as it is. None for any time.
        device: "auto" (the accelerator that torch finds, else the CPU) or a device's name.
        precision: "fp32", or "bf16" for a forward pass under autocast.
        parallel: how several processes hold the model, see `docs/processes.md`: each all of it
            ("auto", "replicate"), or parts of what all tasks share ("shard"; "hybrid" by machine).
        accumulate: micro-batches in an optimizer step. The step is that of the joined batch, task
            by task: losses and gradients merge as sum(n L) / sum(n).
        reduction: "task": the loss of a task is the mean over its own labels; "label": that mean
            times n_t / sum_s n_s of the step's labels, so that the losses add up to the mean over
            all labels, and a task counts by how many it has. The log keeps the tasks' own means.
        clip: largest length of the whole gradient; None does not clip.
        schedule: when which task's loss counts; see `plait.balancing.LossSchedule`.
        seed: of everything that is drawn in training.
        run: the run folder, which gets trainer.json (all options), env.json (versions, seed,
            commit), events.jsonl, checkpoints/ and, at the end, model/; `plait report` shows it.
            None keeps no files.
        rule: which epoch is best: "skill", "worst", "loss", "task/metric", or a function.
        all_right: metrics over several tasks, `{metric: tasks}`; "all_right/metric" is a rule then.
        best: "all" ends with the weights of that epoch; "each" with each task's own network from
            its own best epoch, by its main metric (for `Separate`, where tasks share no weights);
            "kept" as "all", and keeps the weights of each task's best epoch in checkpoints/, T
            times the model: ``trainer.best.restore(task)`` and `BestWeights` load them.
        start_counts: whether the weights before the first step may be the best, as epoch 0. It
            costs one more pass over `train`, for its labels.
        patience: epochs without a new best after which training stops; None never stops early.
        first_steps: so many steps with labels of a task show whether it learns: whether labels
            reach its loss, and gradients its head and the trunk, and how far apart the losses are.
            It is said once, and changes nothing; a task that cannot learn is an error. 0 for never.
        measure_every: every so many steps, norms and cosines of the tasks' gradients are recorded
            for a loss method too (gradient methods always have them); 0 never. With more than 32
            tasks, the log has the cosines of fewer steps: about 500 numbers a step.
        log_every: steps between two writes of `events.jsonl`.
        checkpoint_every: steps between two checkpoints, beside those after each epoch.
        async_save: write checkpoints while training goes on, from copies on the host, two at most;
            one that cannot be written ends training at the next step.
        callbacks: see `Callback`.
        progress: show a bar and a table of the epochs on stderr; False is silent.
        scale, head_weights, at, route, every, chunk_size, nonfinite: see `plait.Backward`. A step
            that is skipped leaves running statistics as they were.

    A step in which no task has a label is passed over, penalties and all; the log says so, and
    `state.skipped` counts it. A method that reads several independent batches in a step takes as
    many times `accumulate` batches of the loader; those left over in an epoch are not used.

    Raises:
        ConfigError: an option is outside its range, or cannot go with the balancer; a parameter
            that learns is in no optimizer.
    """

    @checked
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
        minutes: float | None = TrainerOptions.minutes,
        device: str = TrainerOptions.device,
        precision: Precision = TrainerOptions.precision,
        parallel: Parallel = TrainerOptions.parallel,
        accumulate: int = TrainerOptions.accumulate,
        reduction: Reduction = TrainerOptions.reduction,
        clip: float | None = TrainerOptions.clip,
        schedule: LossSchedule | None = None,
        seed: int = TrainerOptions.seed,
        run: str | Path | None = None,
        rule: str | Rule = TrainerOptions.rule,
        all_right: dict[str, list[str]] | None = TrainerOptions.all_right,
        best: Best = TrainerOptions.best,
        start_counts: bool = TrainerOptions.start_counts,
        patience: int | None = TrainerOptions.patience,
        first_steps: int = TrainerOptions.first_steps,
        measure_every: int = TrainerOptions.measure_every,
        log_every: int = TrainerOptions.log_every,
        checkpoint_every: int | None = TrainerOptions.checkpoint_every,
        async_save: bool = TrainerOptions.async_save,
        callbacks: Sequence[Callback] = (),
        progress: bool = True,
        scale: Scale = Options.scale,
        head_weights: HeadWeights = Options.head_weights,
        at: At = Options.at,
        route: RouteChoice = Options.route,
        every: int = Options.every,
        chunk_size: int = Options.chunk_size,
        nonfinite: NonFinite = Options.nonfinite,
    ) -> None:
        args = SimpleNamespace(**locals())
        self.options = TrainerOptions(**chosen(TrainerOptions, args))
        groups, engine = GroupOptions(lr, weight_decay), Options(**chosen(Options, args))
        self.device, self.start_counts = pick_device(device), start_counts  # or a callback
        self.run = None if run is None else Path(run)
        self.state, self.labels, self._stop = State(), LabelStatistics(model.tasks), StopFlag()
        self.model = spread(model, parallel, self.device)
        self.balancer = set_up(balancer or Equal(), model, accumulate, schedule, reduction)
        self.balancer.to(self.device)  # with the weights that it learns
        self.backward = Backward(self.balancer, model, **asdict(engine))
        self.optimizer = make_optimizer(optimizer, self.model, self.balancer, groups)
        self.heads = Joining(self.model, self.optimizer, self.balancer)
        self.rates = Rates(self.optimizer, scheduler, epochs)
        self.schedule, self.scheduler = schedule, self.rates.scheduler
        self.callbacks = with_progress(callbacks) if progress else list(callbacks)
        self.score = rule_of(rule, model.tasks, reduction=reduction, all_right=all_right)
        self.log = TrainingLog(self.run and self.run / folder.EVENTS, tuple(model.tasks))
        given = about(model, (groups, self.options, engine), self.balancer, self.rates, schedule)
        self.keeper = Keeper(self.run, self.model, self.log, given, behind=async_save)
        self.best = BestWeights(self.run, self.model, best, self.keeper.writer)

    def fit(self, train: Any, val: Any = None, *, resume: bool = False) -> State:
        """Trains, and leaves the model in eval mode, with the weights of the best epoch.

        Tasks whose `mean` or `scale` is "auto" (a `Regression` by default) have them read from the
        training labels before the first step: one more pass over `train`, or over the first 16
        batches of a stream. It changes no draw of the training; a loader of your own that counts
        its passes sees one more. The log has the losses in units of `scale`.

        Args:
            train: a loader of `Batch` objects (`plait.data.loader` with `tasks`, `Mixture`, or any
                loader with a `Collation`), of `(inputs, {task: labels})`, or with a third entry
                `{task: weights}`. It may be a stream without a length: `Info.progress` then counts
                whole epochs. Inputs may be any object, such as a batch of graphs: the number of
                examples is that of the labels.
            val: the same for the validation data, evaluated once before the first step, so that
                what cannot be measured is said then. Without it the last weights are the best.
            resume: go on from the last checkpoint of the run folder; on the CPU, with the same
                data, the result is that of the uninterrupted run to the last bit. The options
                have to be those of the run, too; `epochs`, `minutes` (with those already
                used), `patience`, the device, `parallel`, what is logged, `route`, `chunk_size` and
                `nonfinite` may be others. With other `epochs` the scheduler is that of these.

        Returns:
            Where the training ended, with the best epoch and its metrics.

        Raises:
            RunExistsError: the run folder holds a run and `resume` is false; nothing was touched.
            CheckpointError: the checkpoint is missing, damaged, of another model, or of a run with
                other options, which are named; nothing in the folder was touched.
            NonFiniteError: a loss or gradient is not finite; names the step and the task.
            DataError: labels break their task's rule, or a task never has any.
            Interrupted: Ctrl-C, SIGTERM or SIGUSR1, after a checkpoint.
        """
        check_loaders(train, val, self.options.epochs, self.model)
        feed, batches = Feed(train, self.options.seed, self.model.tasks.values()), batches_in(train)
        taken = self.options.accumulate, self.balancer
        self.steps_per_epoch = None if batches is None else steps_per_epoch(batches, *taken)
        self.mixture = MixtureLog(train)
        with self.heads:
            given = {"data": {"batches": batches}, "heads": str(self.heads)}
            self.keeper.about |= given | self.mixture.settings
            self._begin(resume, feed)
            try:
                with self._stop.listening():
                    self._tell("on_train_start")
                    if val is not None and self.state.step == 0:
                        self._look_ahead(feed, val)
                    if self.state.measured < self.state.epoch:  # it ended while it was evaluated
                        self._measure(val)
                    while not self.state.done(self.options):
                        self._epoch(feed)
                        self._finish_epoch(val)
                        self._stop.obey(self.save, self.keeper)
                    if self.state.judged:
                        self.best.restore()
                    self.model.eval()
                    log_end(self.log, self.state, self.options)
                    self.keeper.finish(self.best.metrics(self.state))
                    self._tell("on_train_end")
            except BaseException as error:
                self.log.flush()
                self._tell("on_exception", error)
                raise
        return self.state

    def save(self) -> None:
        """Writes the checkpoint from which training goes on; without a run folder, does nothing."""
        with self.heads:
            path = self.keeper.save(self._remembered())
        if path is not None:
            self._tell("on_save", path)

    def _begin(self, resume: bool, feed: Feed) -> None:
        """Starts anew, or from the last checkpoint."""
        self.state, self.labels = State(), LabelStatistics(self.model.tasks)
        self.first_steps = FirstSteps(self.model, self.optimizer, self.options.first_steps)
        self.rates.check(self.steps_per_epoch)
        if resume:
            self.keeper.resume(self._remembered())
            if self.state.epoch:
                self.labels.share()
            return
        ahead = self.labels.count_ahead(feed.dataset)
        self.keeper.begin()
        self.best.begin()
        if ahead:
            self.labels.log_rows("train", self.log)
        self.mixture.begin(self.log)
        fit_units(self.model, feed, self.log)
        start_alike(self.model, self.balancer)
        seed_all(self.options.seed, "fit", *ranks().own)
        self.save()
        self.keeper.verify()

    def _remembered(self) -> dict[str, Stateful]:
        """Returns all that a resumed run needs beside the model; the generators come last."""
        return {
            "balancer": self.balancer,
            "backward": self.backward,
            "optimizer": self.optimizer,
            "rates": self.rates,  # which change the optimizer's
            "state": self.state,
            "labels": self.labels,
            "first steps": self.first_steps,
            "random": Generators(self.device),
        }

    def _look_ahead(self, feed: Feed, val: Any) -> None:
        """Evaluates before the first step; where the start counts, as epoch 0."""
        given: Any = {"rule": self.options.rule, "all_right": self.options.all_right}
        self.labels.coverage |= look_ahead(self.model, val, self.log, device=self.device, **given)
        if not self.start_counts:
            return
        check_loader(val, self.options.epochs + 1, "validation")
        self.labels.read(feed)
        self._evaluate(val)

    def _epoch(self, feed: Feed) -> None:
        """Runs the steps of one epoch that are still to do."""
        self.model.train()
        every, used = self.options.checkpoint_every, self.state.batch
        started, size = time.perf_counter(), self.options.accumulate
        for window in windows(self._batches(feed), size, self.balancer, used=used):
            record = self._step(window)
            now = time.perf_counter()
            self.state.spend(now - started, self.options.minutes)
            started = now
            rate = self.optimizer.param_groups[0]["lr"]
            log_step(self.log, record, self.state, self.backward, self.options, rate)
            for line in judged(self.first_steps, record, self.log, self.state.step):
                self._tell("on_first_steps", line)
            self._tell("on_step_end", record)
            self._stop.obey(self.save, self.keeper)
            if self.state.spent(self.options.minutes) and self.labels.complete():
                self.labels.stop_counting()
                break
            if every and self.state.step % every == 0:
                self.save()

    def _batches(self, feed: Feed) -> Iterator[Batch]:
        """Yields the batches of the epoch that are still to do."""
        try:
            items = feed.epoch(self.state.epoch, skip=self.state.batch)
            yield from batches_of(items, self.model.tasks.values())
        except RuntimeError:
            if ranks().alone:  # Ctrl-C may end the loader's workers before it is obeyed
                self._stop.obey(self.save, self.keeper)
            raise

    def _step(self, batches: list[Batch]) -> StepRecord:
        """Takes one step and moves the state on."""
        if self.state.epoch == 0 and not self.labels.whole:
            self.labels.add(batches)
        step, options = self.state.step + 1, self.options
        rate = float(self.optimizer.param_groups[0]["lr"])
        with located(batches, self.state):
            progress = self.state.progress(options.epochs, self.steps_per_epoch)
            factors = self.schedule.factors(self.model.tasks, progress) if self.schedule else None
            record = training_step(
                self.model,
                batches,
                self.backward,
                self.optimizer,
                info=Info((), epoch=self.state.epoch, progress=progress, learning_rate=rate),
                factors=factors,
                reduction=options.reduction,
                autocast=autocast(self.device, options.precision),
                device=self.device,
                clip=options.clip,
                measure=options.measure_every > 0 and step % options.measure_every == 0,
                watch=step == 1 or step % options.log_every == 0,
                observe=self.first_steps.observe if self.first_steps.active else None,
            )
        self.rates.advance()
        self.mixture.count(self.state, batches)
        self.state.step = step
        self.state.count_skipped(record.skipped, record.broken)
        self.state.batch += len(batches)
        return record

    def _finish_epoch(self, val: Any) -> None:
        """Saves, evaluates, keeps the best weights, and saves again."""
        self.state.epoch, self.state.batch = self.state.epoch + 1, 0
        self.mixture.finish(self.state, self.labels, self.log)
        self.labels.check()
        self.labels.log_rows("train", self.log)
        check_alike(self.model, ranks())
        if val is not None:
            self.save()  # an evaluation that fails costs no training
        self._measure(val)

    def _measure(self, val: Any) -> None:
        if val is not None:
            self._evaluate(val)
        self.state.measured = self.state.epoch
        self._tell("on_epoch_end")
        self.save()

    def _evaluate(self, val: Any) -> None:
        started = time.perf_counter()
        given: Any = {"all_right": self.options.all_right, "statistics": self.labels.statistics}
        evaluation = measured(self.model, lambda: evaluate(self.model, val, **given))
        score = float(self.score(evaluation))
        self.state.spend(time.perf_counter() - started, self.options.minutes)
        self.rates.advance(score)
        self.best.update(self.state, evaluation, score)
        self.log.write_evaluation(evaluation, self.state, score=score)
        self._tell("on_validation_end", evaluation, score)

    def _tell(self, event: str, *values: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *values)
