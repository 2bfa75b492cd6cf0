"""From the tasks' losses to one direction in `.grad`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from plait.balancing.base import Balancer, BilevelBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.problem import Problem
from plait.core.arguments import named
from plait.core.errors import ConfigError, NonFiniteError
from plait.core.exponents import LONG
from plait.core.lazy_values import names_of
from plait.core.numbers import NO_NUMBERS
from plait.engine.complete import check_complete, check_setup
from plait.engine.evidence import is_outside, read
from plait.engine.explained import allow_several_passes, explained
from plait.engine.gathered import Gathered
from plait.engine.given import batches_of, check_given, check_info, listed, one_for_each
from plait.engine.labels import check_labels
from plait.engine.loss_scaling import are_scaled, tell_overflow
from plait.engine.memory import Memory, keep_state
from plait.engine.micro_batch import Features, MicroBatch
from plait.engine.one_pass import are_stacked
from plait.engine.options import At, HeadWeights, NonFinite, Options, RouteChoice, Scale
from plait.engine.penalties import Scalars, by_name, penalty_gradients
from plait.engine.precision import full_precision
from plait.engine.processes import check_processes, counts_of, informed, replicas_of
from plait.engine.record import Record
from plait.engine.routes.base import Route
from plait.engine.routes.choose import choose
from plait.engine.wholes import Counts, Whole
from plait.gradients import Cut, accumulate, check_losses
from plait.networks.walk import learning


class Backward:
    """Turns the losses of the tasks into `.grad`, in the way that a balancer says.

    It works on any model in any loop. Which parameters are shared is read from the graph: those
    that two tasks reach. Only what is trained is balanced: other leaves that need a gradient, such
    as collocation points, atom positions or learned inputs, get that of the plain sum of the
    losses, as ``sum(losses.values()).backward()`` gives it. `.grad` accumulates, as in torch, and
    is written last, so that it is as before if anything raises. Hooks on the accumulation of
    gradients do not run.

    Args:
        balancer: decides the weights or the direction.
        model: if given, its parameters are what is trained; say so where the losses reach another
            network's (a discriminator, a critic), or freeze that one. Parameters outside of it warn
            once. By default the graph is walked at each call: every `nn.Parameter` is trained, and
            a plain tensor is where no parameter is reached.
        shared: the shared parameters, if they are to be named rather than found; plain tensors
            among them are trained.
        at: where Gramian methods compare the tasks: "parameters" (exact) or "features" (the
            representation that the heads read: an upper bound that costs one pass through the
            trunk; Sener, Koltun, NeurIPS 2018).
        route: how the gradients at the parameters are compared: as "rows" (T passes), by "layers"
            (a Gramian from the inputs and output gradients of each layer, without a row), by
            "labels" (as many passes as an example has labels, exact where examples do not act on
            each other, as hooks of your own on tensors must not; an error names the module that
            forbids it) or "auto", the cheapest one by counted operations (rows, uncounted, where
            T x P is below 32,768).
        scale: "sum" (equal weighting is 1 for each task, for every method) or "paper".
        head_weights: how gradients count at parameters that one task alone reaches: "unit" (1),
            "task" (the task's weight), or "auto": "task" for loss and bilevel methods, of which it
            is the definition, and "unit" for the others. A network's last bias is such a parameter
            where one term alone reads the output and the others read its derivatives.
        every: steps that weights serve before they are found again; heads still get their gradient
            in each step. Weights are also found again when a task comes that has none.
        chunk_size: tasks that are differentiated at once, with vmap; more than 1 pays on a GPU.
        nonfinite: "raise" an error that names the task, or "skip": `.grad` and the balancer stay
            as they are, and the record says why; where `torch.amp.GradScaler` has scaled the
            losses, `.grad` is NaN, so that it leaves the step out and lowers its scale.
        retain_graph: keep the graph after the last pass, as in torch, for a pass of your own; it
            then holds its memory until the losses are let go.
        memory: what an earlier `Backward` on the same model has learned; a new one by default.

    Raises:
        ConfigError: an argument is outside its choices, or the method cannot have it.
        UnsupportedError: the model's parameters are sharded by something other than FSDP2; in a
            step of several processes, what these cannot do yet: see `docs/processes.md`.

    Cost: loss methods take one backward pass. The others take T passes and one `[T, P]` buffer, P
        the number of shared parameters; by the route "layers" T half passes, one whole pass and no
        buffer; by "labels" one pass through the heads, as many half passes as an example has
        labels, and no buffer, but the gradients at the layers' outputs for each label; at features
        T passes through the heads and one through the trunk; with weights that are re-used, or
        tasks that are taken in turn, one pass and one through the heads.
    """

    @named
    def __init__(
        self,
        balancer: Balancer,
        model: nn.Module | None = None,
        *,
        shared: Iterable[Tensor] | None = None,
        at: At = Options.at,
        route: RouteChoice = Options.route,
        scale: Scale = Options.scale,
        head_weights: HeadWeights = Options.head_weights,
        every: int = Options.every,
        chunk_size: int = Options.chunk_size,
        nonfinite: NonFinite = Options.nonfinite,
        retain_graph: bool = False,
        memory: Memory | None = None,
    ) -> None:
        check_given(balancer, model, retain_graph)
        self.options = Options(scale, head_weights, at, route, every, chunk_size, nonfinite)
        self.options.check(balancer)
        check_processes(balancer, self.options, model)
        allow_several_passes()
        self.balancer = balancer
        self.model = model
        self.retain_graph = retain_graph
        self.memory = memory or Memory()
        if shared is not None:
            self.memory.name_shared(listed(shared))
        self._step: Gathered | None = None
        self._route: Route[Any] | None = None
        self._skipped: NonFiniteError | None = None
        self._scaled: list[Tensor] = []  # what a scaler of the losses has to hear of an overflow

    def __call__(
        self,
        losses: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
        penalty: Scalars = None,
        *,
        info: Info | None = None,
        features: Features | None = None,
        problem: Problem | None = None,
        labels: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]] | None = None,
        counts: Mapping[str, float] | Sequence[Mapping[str, float]] | None = None,
        measure: bool = False,
    ) -> Record:
        """Adds the balanced gradient of `losses` and the gradient of `penalty` to `.grad`.

        Args:
            losses: `{task: scalar}` of the tasks present in this step; a list of them, from
                independent batches, for a method that reads several.
            penalty: a scalar, or scalars by name, added to the objective outside the balancer.
            info: where the training is, for methods that ask; the Trainer gives it.
            features: for ``at="features"``: the tensor that all heads read, several of which none
                depends on another, or a `Cut`.
            problem: for a bilevel method: what it may ask about the step.
            labels: `{task: mask [B]}`, which examples have a label of the task; fewer passes may
                then do. A task without a mask counts as one with a label of every example. The
                losses of a `MultiTaskModel` know it. A list of them where `losses` are one.
            counts: in several processes, `{task: n}`, the labels behind each loss of this one, by
                which it counts; those that the losses of a `MultiTaskModel` know by default, else
                1 for each. A list of them where `losses` are one; for a bilevel method the second
                are those of its validation losses.
            measure: form the rows for a loss method too, so that the record has norms and cosines.
                The step is the same up to rounding; it takes T backward passes.

        Raises:
            NonFiniteError: a loss, or a row of gradients, is NaN or infinite; it names the task.
                Nothing was written.
            ShapeError: a loss is no scalar.
            ConfigError: no loss, or one that depends on no parameter; learned weights that no
                optimizer moves; batches, features or a problem that the method needs are missing.
        """
        batches = batches_of(losses)
        masks = one_for_each("labels", labels, len(batches), "masks")
        self.start(info, measure=measure, counts=counts_of(batches, counts, problem))
        for position, batch in enumerate(batches):
            last = position + 1 == len(batches)
            self.add(
                batch,
                penalty=penalty if last else None,
                batch=position,
                features=features,
                problem=problem,
                labels=masks[position],
            )
        return self.finish()

    def start(
        self,
        info: Info | None = None,
        *,
        measure: bool = False,
        counts: Counts | None = None,
        wholes: Sequence[Whole] | None = None,
    ) -> None:
        """Begins a step of several micro-batches: `add` each of them, then `finish`.

        Args:
            info: as in a call.
            measure: as in a call.
            counts: in several processes, for each independent batch a list with the label counts
                `{task: n}` of each micro-batch that this one will add.
            wholes: in several processes, the independent batches as all of them have them together;
                by default that is added up here.
        """
        check_info(info)
        if self.balancer.reads_epochs and (info is None or info.epoch is None):
            raise ConfigError(
                f"{type(self.balancer).__name__} weighs by the number of the epoch, which is not "
                "given. Say it in each step: `info=plait.balancing.Info(epoch=epoch)`, from 0."
            )
        self.memory.rows.reset()
        replicas = replicas_of(self.balancer, self.options, self.memory, self.model, counts, wholes)
        self._step = Gathered(
            self.balancer,
            self.options,
            self.memory,
            self.model,
            informed(info, replicas),
            measure=measure,
            retain_graph=self.retain_graph,
            replicas=replicas,
        )
        self._route, self._skipped, self._scaled = None, None, []

    @full_precision
    def add(
        self,
        losses: Mapping[str, Tensor],
        shares: Mapping[str, float] | None = None,
        *,
        penalty: Scalars = None,
        batch: int = 0,
        features: Features | None = None,
        problem: Problem | None = None,
        labels: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Adds one micro-batch.

        Args:
            losses: `{task: scalar}` of the tasks present in it.
            shares: `{task: n / N}`, the part of the task's labels in the whole batch that this
                micro-batch holds; None if it is the whole batch. They add up to 1 over the
                micro-batches, so that the step is that of the joined batch.
            penalty: as in a call; give it once in a step.
            batch: which of several independent batches it belongs to.
            features: as in a call.
            problem: as in a call.
            labels: as in a call, of the examples of the micro-batch.

        Methods that are not linear in the joined losses keep a row per task over the micro-batches,
        on any route.
        """
        if self._step is None:
            self.start()
        assert self._step is not None
        if self._skipped is not None:
            return
        terms, replicas = by_name(penalty), self._step.replicas
        if replicas is not None:
            losses, shares, terms = replicas.part(losses, shares, terms, batch)
        check_losses(losses, terms)
        check_setup(self.balancer, self.options.at, batch, features)
        candidates, others = self._candidates(losses, features) if losses else ([], [])
        if self.options.nonfinite == "skip" and are_scaled(losses):
            self._scaled = candidates
        masks = None if labels is None else check_labels(labels, losses)
        micro = MicroBatch(
            losses, candidates, shares, terms, batch, features, problem, others, masks
        )
        self._step.note(micro)
        self._step.collect_local(penalty_gradients(terms))
        if replicas is not None:
            replicas.meet(losses, self.memory.rows.layout, others)
        if losses or (replicas is not None and isinstance(self.balancer, BilevelBalancer)):
            self._differentiate(self._step, micro)  # all processes look ahead together

    @full_precision
    def finish(self) -> Record:
        """Combines what was added, writes `.grad`, and returns what happened.

        It waits for the device once, before anything is written; methods that look ahead, read the
        gradients elsewhere than at the parameters, or average rows wait more often.

        Raises:
            NonFiniteError: as in a call, unless ``nonfinite="skip"``.
            ConfigError: as in a call.
        """
        if self._step is None:
            self.start()
        step = self._step
        assert step is not None
        if self._skipped is None:
            batches = step.batches if step.replicas is None else step.replicas.batches
            check_complete(self.balancer, step.present, batches)
            if self._route is None:  # only other processes have a label
                self._choose(step, MicroBatch({}, shares={}))
            self._decide(step)
        as_given = False
        if self._skipped is None:
            as_given = accumulate(step.gradients.values(), names_of(step.losses))
            self._remember(step)
        else:
            tell_overflow(self._scaled)
        passes = "" if self._route is None else self._route.passes
        record = Record.of(step, self._skipped, as_given=as_given, passes=passes)
        self._step = self._route = None  # nothing keeps the graph alive
        self.memory.rows.reset()
        return record

    def state_dict(self) -> dict[str, Any]:
        """Returns shared parameters and owners of the others, by name, and the last weights."""
        return self.memory.saved(self._named_parameters())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        self.memory = self.memory.restored(state, self._named_parameters())
        self._step = None

    def _differentiate(self, step: Gathered, micro: MicroBatch) -> None:
        """Adds a micro-batch to the route of the step, which the first one decides."""
        route = self._route or self._choose(step, micro)
        try:
            route.add(micro)
        except NonFiniteError as error:
            self._skip(error)
        except RuntimeError as error:
            told = explained(error, type(self.balancer).__name__)
            if told is None:
                raise
            self._give_back()
            raise told from error

    def _choose(self, step: Gathered, micro: MicroBatch) -> Route[Any]:
        self._route = choose(step, micro)
        self._give_back = keep_state(self.balancer)
        return self._route

    def _decide(self, step: Gathered) -> None:
        """Finds the gradients of the step, and makes sure that all of it is finite."""
        assert self._route is not None
        try:
            try:
                self._route.finish()
                if step.bound < LONG:
                    step.lengths = step.lengths[:0]  # of the gradients before the rows came in
                else:
                    read(step)
                step.outside = is_outside(step)
            except Exception as error:
                if step.known_losses is NO_NUMBERS:  # nothing was read yet
                    read(step)  # what is not finite may be why a method has failed
                told = explained(error, type(self.balancer).__name__)
                if told is not None:
                    raise told from error
                raise
            self.memory.learned.watch(self.balancer, step.gradients.values())
        except NonFiniteError as error:
            self._skip(error)
        except Exception:
            self._give_back()
            raise

    def _remember(self, step: Gathered) -> None:
        """Keeps the weights for the steps that re-use them."""
        memory = self.memory
        if step.reused:
            memory.age += 1
        elif self.options.every > 1:
            memory.age = 0
            memory.weights = {task: float(weight) for task, weight in step.weights.items()}

    def _skip(self, error: NonFiniteError) -> None:
        """Skips the step, or raises; the balancer is as it was before the step."""
        self._give_back()
        if self.options.nonfinite == "raise":
            self._step = self._route = None
            raise error
        self.memory.skipped += 1
        self._skipped = error

    def _candidates(
        self, losses: Mapping[str, Tensor], features: Features | None = None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Splits the leaves into those that are trained and the others."""
        cut: list[Tensor] = []
        named = [*(self.memory.rows.layout.given or [])]
        if isinstance(features, Cut):
            cut, named = features.tensors, [*named, *(leaf for _, leaf in features.pairs)]
        elif features is not None:
            named += [features] if isinstance(features, Tensor) else features
        model = None if self.model is None else learning(self.model, joined=are_stacked(losses))
        candidates, others = self.memory.trained(losses, cut, named, model)
        if not candidates:
            raise ConfigError("no parameter of the model needs a gradient. Unfreeze some of them.")
        return candidates, others

    def _named_parameters(self) -> dict[str, nn.Parameter]:
        if self.model is None:
            raise ConfigError(
                "`Backward` keeps names only of a model that it was given (`model=`)."
            )
        return dict(self.model.named_parameters())
