"""The model: sharing, connections, regularization and heads under one roof."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from plait.connections import Connection
from plait.core.arguments import as_list, checked
from plait.core.batch import Batch
from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.core.outputs import Losses, Outputs, Penalties
from plait.core.structure import from_signature, signature
from plait.core.watched import Watched
from plait.gradients import Cut
from plait.model.card import model_card
from plait.model.configuration import arguments, configuration
from plait.model.connect import connect
from plait.model.connections import Connections
from plait.model.flow import Flow
from plait.model.folder import building_from, load_state, read_model, write_model
from plait.model.freeze import freeze as freeze_parts
from plait.model.loss_sizes import warn_of_sizes
from plait.model.losses import task_losses
from plait.model.options import NewTasks
from plait.model.predict import predict
from plait.model.roles import roles_of
from plait.model.terms import output_terms, parameter_terms
from plait.model.transfer import Transfer, transfer
from plait.networks import common_precision, explain_unreadable, refuse_arrays
from plait.networks.modes import evaluating
from plait.networks.scheduled import scheduled_in
from plait.regularization.base import Regularizer
from plait.sharing.base import Sharing
from plait.sharing.preference.shares import Preference
from plait.tasks.base import BaseTask
from plait.tasks.prediction import Prediction


class MultiTaskModel(nn.Module):
    """One model for several tasks.

        min sum_t w_t L_t + lambda sum_t R_t + sum_st alpha_st C_st

    Args:
        sharing: from the inputs to each task's features, such as ``Hard(encoder)``.
        tasks: the tasks, or one; their names are the keys of labels, predictions and losses.
        example: one batch of inputs, to find shapes from; only shapes and dtypes matter.
        connections: what passes between the tasks' networks, in the order in which it acts.
        regularization: terms that tie the networks of `sharing.Separate`.
        seed: of the heads and of what `sharing` adds; a head depends on (seed, name of its task)
            alone, so a single-task model and a joint one start from the same head.

    Attributes:
        tasks: `{name: task}`, in order.
        heads: `{key of a task: head}`; the key is that of `plait.core.keys.safe_key`.
        flow: the way of an input through the model; `flow.connections` has the connections sorted.
        learning: the tasks that have something to learn: all of them, unless some are frozen.

    Raises:
        ConfigError: no task, or two of one name; edges that name unknown tasks or form a cycle.
        UnsupportedError: parts that cannot go together; it says why.
        ShapeError: the encoder cannot read the example, or a head does not fit the features.

    Example:
        >>> from plait.encoders import ConvEncoder
        >>> from plait.sharing import Hard
        >>> from plait.tasks import Classification, Segmentation
        >>> tasks = [Classification("breed", classes=3), Segmentation("mask", classes=2)]
        >>> images = torch.zeros(4, 3, 32, 32)
        >>> model = MultiTaskModel(Hard(ConvEncoder(widths=(4, 8))), tasks, example=images)
        >>> {task: list(p.shape) for task, p in model(images).items()}
        {'breed': [4, 3], 'mask': [4, 2, 32, 32]}
    """

    @checked
    def __init__(
        self,
        sharing: Sharing,
        tasks: BaseTask | Sequence[BaseTask],
        *,
        example: Any,
        connections: Connection | Sequence[Connection] = (),
        regularization: Regularizer | Sequence[Regularizer] = (),
        seed: int = 0,
    ) -> None:
        super().__init__()
        refuse_arrays(example)
        members = as_list(tasks)
        names = [task.name for task in members]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"a model needs tasks of different names; found {names}.")
        self.tasks: dict[str, BaseTask] = {task.name: task for task in members}
        self.seed = seed
        self.input_signature = signature(example)
        self.sharing = sharing
        sharing.setup(names, example, seed)
        wired = Connections(as_list(connections), names)
        heads = connect(sharing, self.tasks, wired, example, seed)
        self.connections = nn.ModuleList(wired.all)
        self.heads = _by_key(heads.final)
        self.early_heads = _by_key(heads.early)
        self.early_weight: float = heads.early_weight
        self.flow = Flow(wired, self.heads, self.early_heads)
        self.learning = tuple(self.tasks)
        self._still: list[nn.Module] = []  # what is frozen and stays in eval mode
        self.regularization = nn.ModuleList(as_list(regularization))
        for regularizer in self.regularizers:
            networks = sharing.networks() if regularizer.ties else {"all": sharing}
            regularizer.setup(networks, heads.final)
        dtype = common_precision(sharing.shapes)
        if dtype != torch.get_default_dtype():
            self.to(dtype)
        self._scheduled = scheduled_in(self)
        self._sizes_unknown = True  # of the first losses in training

    def forward(
        self, inputs: Any, tasks: Collection[str] | None = None, cut: Cut | None = None
    ) -> Outputs:
        """Predicts.

        Args:
            inputs: one common input, or `PerTask({task: inputs})`.
            tasks: the tasks that are wanted; all by default.
            cut: cuts the heads' graphs off from the trunk's, for gradients at the features.

        Returns:
            `{task: what its head gives}`: logits (`predict` gives classes and probabilities) or
            numbers in the labels' unit. Under `torch.export` a plain dict in the tasks' order.

        Raises:
            DataError: a layer cannot read the inputs, whose kind is not that of the example.
        """
        try:
            outputs = self.flow(self.sharing, inputs, tasks, cut)
        except (RuntimeError, TypeError, IndexError) as error:
            explain_unreadable(self, inputs, error, self.input_signature)
            raise
        # an exporter knows the builtin containers alone
        return cast(Outputs, dict(outputs)) if torch.compiler.is_exporting() else outputs

    def predict(
        self,
        inputs: Any,
        tasks: Collection[str] | None = None,
        *,
        batch_size: int | None = 256,
        preference: Preference | None = None,
    ) -> dict[str, Prediction]:
        """Predicts classes, numbers, masks or tags, in eval mode and without gradients.

        The model is left as it was found: no running statistic moves, and modes are put back.

        Args:
            inputs: the examples, as in the training: a tensor `[B, ...]`, a nested structure of
                such tensors, `Masked`, or `PerTask({task: inputs})`; on any device.
            tasks: names of the tasks that are wanted; all by default.
            batch_size: examples at once. None takes all of them at once, and so do inputs that
                cannot be cut into rows: no tensors, or tensors of several lengths.
            preference: see `Sharing.preferring`; of a model that serves any.

        Returns:
            `{task: Prediction}` in the order of the tasks, on the CPU: `.value` is the class, the
            number in its unit, the mask or the tags, `.probabilities` are those of classes and
            labels.

        Raises:
            ConfigError: an unknown task, or a `batch_size` below 1.
            DataError: there is no example.
            NonFiniteError: a prediction is NaN.
        """
        chosen = {name: self.tasks[name] for name in self.flow.wanted(tasks)}
        device = next(self.parameters()).device
        with self.sharing.preferring(preference), evaluating(self), torch.no_grad():
            return predict(self, inputs, chosen, batch_size=batch_size, device=device)

    def losses(self, outputs: Sequence[Outputs], batch: Batch) -> Losses:
        """Returns `{task: static weight x L_t}` of the tasks present.

        In training mode each is multiplied by the sharing's factor of the step. The first
        losses are compared: a regression 100 times as large as the others is warned of, by name.

        Args:
            outputs: the predictions of each part of the batch.
            batch: the labels. A task without a valid label is absent; a task with labels in several
                parts has the loss of their union, sum(n L) / sum(n).
        """
        losses = task_losses(self.tasks, outputs, batch, self.early_weight)
        if self._sizes_unknown and len(losses) > 1 and self.training and torch.is_grad_enabled():
            self._sizes_unknown = False
            warn_of_sizes(losses, self.tasks)
        factors = self.sharing.factors()
        return losses.times(factors) if factors else losses

    def penalty(
        self, outputs: Sequence[Outputs], *, share: float = 1.0, parameters: bool = True
    ) -> Penalties:
        """Returns the terms beside the losses by name, scaled: lambda R, alpha C, auxiliary terms.

        A term of strength 0 is left out, and so is a regularizer in mode "prox".

        Args:
            outputs: of each part of a batch, or of a micro-batch of it; several parts count by
                their numbers of examples.
            share: the part of the step's examples that they hold, for terms of the outputs.
            parameters: whether the terms of the parameters are among them; once in a step.
        """
        connections, regularizers = self.flow.connections, self.regularizers
        if not (connections.all or regularizers or any(each.terms for each in outputs)):
            return Penalties()
        terms = parameter_terms(connections, regularizers) if parameters else {}
        return Penalties.of(terms | output_terms(outputs, connections, regularizers, share))

    def watched(self, outputs: Sequence[Outputs] = ()) -> dict[str, Watched]:
        """Returns tables for the log by title, such as gates, alphas and correlations.

        Args:
            outputs: of a batch; the numbers of its last part are among them.
        """
        found: dict[str, Watched] = {}
        parts: list[Sharing | Connection | Regularizer] = [self.sharing]
        for part in [*parts, *self.flow.connections.all, *self.regularizers]:
            found |= part.watched()
        for each in outputs:
            found |= each.watched
        return found

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Runs what follows an optimizer step: proximal steps, running estimates."""
        for regularizer in self.regularizers:
            regularizer.after_step(optimizer)

    def set_progress(self, progress: float) -> None:
        """Tells the parts that change in the course of the training how far it is, 0..1.

        They are looked for when the mode is set (`train`, `eval`), and not in each step.
        """
        for part in self._scheduled:
            part.set_progress(progress)

    @property
    def regularizers(self) -> list[Regularizer]:
        """The regularizers in order."""
        return [module for module in self.regularization if isinstance(module, Regularizer)]

    def start_from(self, *sources: MultiTaskModel, new_tasks: NewTasks = "source") -> Transfer:
        """Takes over the weights that trained models have for this one.

        Encoders of one task each and heads go by the names of the tasks, all else by name, shape
        and class; the anchors of regularizers are set to what was taken.

        Args:
            sources: trained models; the first that has a part gives it.
            new_tasks: "source" starts the encoder of a task that no source knows from the encoder
                of the first source, "fresh" leaves it as it was drawn.

        Returns:
            What was taken, and what starts anew.

        Raises:
            ConfigError: a part does not fit, or nothing can be taken.
        """
        return transfer(self, sources, new_tasks=new_tasks)

    def freeze(self, *what: str) -> None:
        """Keeps parts of the model as they are; their normalisation statistics stand still too.

        A task that can no longer learn anything has no loss in training, and is evaluated as ever.

        Args:
            what: names of tasks (encoder and head), or patterns of parameter names.

        Raises:
            ConfigError: a name that is neither, a task whose encoder others share, or nothing that
                is left to train.
        """
        self._still += freeze_parts(self, what)
        reached = self.roles().values()
        self.learning = tuple(task for task in self.tasks if any(task in r for r in reached))

    def extend(
        self,
        sharing: Sharing,
        tasks: BaseTask | Sequence[BaseTask],
        *,
        connections: Connection | Sequence[Connection] = (),
        regularization: Regularizer | Sequence[Regularizer] = (),
        freeze: Sequence[str] = (),
        new_tasks: NewTasks = "source",
    ) -> MultiTaskModel:
        """Returns a model for more tasks that starts with the weights of this one, which stays.

        Train task t, then t + 1 with the first frozen (`freeze`), anchored
        (`regularization.Successive`) or connected (`connections.Progressive`).

        Args:
            sharing: of the new model.
            tasks: the new tasks; those of this model come before them.
            connections: of the new model.
            regularization: of the new model.
            freeze: as in `freeze`.
            new_tasks: as in `start_from`.

        Raises:
            ConfigError: as in `start_from` and `freeze`.
        """
        model = MultiTaskModel(
            sharing,
            [*self.tasks.values(), *as_list(tasks)],
            example=from_signature(self.input_signature),
            connections=connections,
            regularization=regularization,
            seed=self.seed,
        )
        model.start_from(self, new_tasks=new_tasks)
        if freeze:
            model.freeze(*freeze)
        return model

    def train(self, mode: bool = True) -> MultiTaskModel:
        """Sets the mode; what is frozen stays in eval mode."""
        super().train(mode)
        for module in self._still:
            module.eval()
        self._scheduled = scheduled_in(self)
        return self

    def batch(self, inputs: Any, targets: Mapping[str, Any], weights: Any = None) -> Batch:
        """Makes a batch of inputs and `{task: labels}`, with the labels checked and counted.

        Raises:
            DataError: labels break their task's rule, or no key of `targets` is a task.
        """
        return Batch.of(inputs, targets, self.tasks.values(), weights=weights)

    def roles(self) -> dict[str, frozenset[str]]:
        """Returns `{parameter name: tasks whose predictions depend on it}`, read from the graph.

        Parameters of two or more tasks are the shared ones; frozen ones are left out. Runs one pass
        on zeros in eval mode.
        """
        return roles_of(self, self.input_signature)

    def save_pretrained(
        self, folder: str | Path, *, metrics: Mapping[str, Mapping[str, float]] | None = None
    ) -> None:
        """Writes config.json, model.safetensors and README.md (the model card) to `folder`.

        Args:
            folder: is made if needed; a model that is there is replaced, file by file. Rank 0
                writes one that is sharded, and all processes call.
            metrics: `{task: {metric: value}}` for the card.
        """
        config = configuration(self)
        card = model_card(list(self.tasks), config, metrics or {})
        write_model(Path(folder), config, self.state_dict(), card)

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        *,
        encoder: Any = None,
        tasks: Sequence[BaseTask] | None = None,
        example: Any = None,
    ) -> MultiTaskModel:
        """Reads a model that `save_pretrained` wrote, in the dtypes that it was saved in.

        It is in eval mode, ready to predict; the Trainer sets the mode itself, and a loop of your
        own calls `train()`. Only plait's own classes are built from the file, and nothing in it is
        executed.

        Args:
            folder: the model folder.
            encoder: the encoder or its factory, if it is a class of your own.
            tasks: the tasks, if one of them is a class of your own or has metrics of its own.
            example: one batch of inputs, if they are objects of your own, such as graphs.

        Raises:
            CheckpointError: a file is missing, truncated or made by something else.
        """
        config, state = read_model(Path(folder))
        with building_from(folder), torch.random.fork_rng(devices=[]):
            model = cls(**arguments(config, encoder=encoder, tasks=tasks, example=example))
        load_state(model, state, folder, keep_dtypes=True)
        return model.eval()


def _by_key(modules: Mapping[str, nn.Module]) -> nn.ModuleDict:
    return nn.ModuleDict({safe_key(name): module for name, module in modules.items()})
