"""The outputs of a model, its losses and its penalties, as dicts with attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.core.features import Features
from plait.core.lazy_values import LazyValues, Slices
from plait.core.names import Names
from plait.core.reduction import label_shares
from plait.core.watched import Watched


class Term(NamedTuple):
    """One term of the objective beside the losses.

    Attributes:
        raw: the term itself, such as R or C, a scalar with a graph.
        scaled: the addend of the objective, such as lambda R, or alpha C - log(alpha) / 2.
    """

    raw: Tensor
    scaled: Tensor

    def plus(self, other: Term) -> Term:
        """Returns the sum of two terms."""
        return Term(self.raw + other.raw, self.scaled + other.scaled)

    def times(self, share: float) -> Term:
        """Returns the term times a share of the examples; itself if that is all of them."""
        return self if share == 1.0 else Term(self.raw * share, self.scaled * share)


class TaskFeatures(dict[str, Features]):
    """`{task: Features}` of the wanted tasks, as a sharing returns them.

    Attributes:
        terms: auxiliary terms of this pass by name, such as a gate's entropy; means over the
            examples, unless the method says otherwise; empty for most methods.
        watched: tables for the log by title, such as the use of each expert; may be empty.
    """

    def __init__(
        self,
        features: Mapping[str, Features],
        *,
        terms: Mapping[str, Term] | None = None,
        watched: Mapping[str, Watched] | None = None,
    ) -> None:
        super().__init__(features)
        self.terms = dict(terms or {})
        self.watched = dict(watched or {})

    @classmethod
    def joined(cls, passes: Sequence[TaskFeatures]) -> TaskFeatures:
        """Joins what several passes returned, each for tasks of its own.

        Terms of one name are added up, and tables of one title are put one above the other.
        """
        if len(passes) == 1:
            return passes[0]
        total = cls({})
        for each in passes:
            total |= each
            for name, term in each.terms.items():
                known = total.terms.get(name)
                total.terms[name] = term if known is None else known.plus(term)
            for title, table in each.watched.items():
                rows = total.watched[title].rows if title in total.watched else {}
                total.watched[title] = replace(table, rows={**rows, **table.rows})
        return total


class Outputs(LazyValues):
    """`{task: prediction}` with the features, terms and tables of the same forward pass.

    Attributes:
        features: `{task: Features}` that the heads read.
        early: `{task: predictions}` that are supervised beside the final one in training, such as
            the initial ones of a distillation; their losses are part of the task's own. Empty for
            most models, and in evaluation.
        terms: auxiliary terms of this pass by name, such as a gate's entropy; may be empty.
        watched: tables for the log by title, such as the use of each expert; may be empty.
        common: whether row i of all tasks is one example; False if the inputs differ by task.
        views: the outputs that connections compare in training, one for each input, with tasks
            beside the wanted ones; empty if no connection compares any.
        slices: predictions `[B, n, K]` of like tasks, whose heads have run at once; the tasks are
            on axis 1. Empty for fewer than 8 like tasks, and where heads run one by one.
    """

    def __init__(
        self,
        predictions: Mapping[str, Tensor] | Names,
        *,
        features: Mapping[str, Features] | None = None,
        early: Mapping[str, Sequence[Tensor]] | None = None,
        terms: Mapping[str, Term] | None = None,
        watched: Mapping[str, Watched] | None = None,
        common: bool = True,
        views: Sequence[Outputs] = (),
        slices: Sequence[Slices] = (),
    ) -> None:
        super().__init__(predictions, slices)
        self.common = common
        self.views = list(views)
        self.features = dict(features or {})
        self.early = {task: list(predictions) for task, predictions in (early or {}).items()}
        self.terms = dict(terms or {})
        self.watched = dict(watched or {})


class Labelled(Protocol):
    """Knows which examples have a label of which task."""

    @property
    def share(self) -> float:
        """The share of all labels that are there, in [0, 1], without waiting for a device."""

    def masks(self) -> dict[str, Tensor]:
        """Returns `{task: [B], bool}`, whether an example has a label."""


class Losses(LazyValues):
    """`{task: static weight times L_t}` of the tasks that are present.

    Attributes:
        raw: `{task: L_t}`, before the static weights.
        counts: `{task: n}`, the mass of the valid labels behind each loss.
        labelled: which examples have a label, for `plait.backward`; None where the tasks have no
            examples in common, as with inputs that differ by task, or examples of several sources.
    """

    raw: dict[str, Tensor]

    def __init__(
        self,
        weighted: Mapping[str, Tensor] | Names,
        *,
        raw: Mapping[str, Tensor],
        counts: Mapping[str, float],
        labelled: Labelled | None = None,
    ) -> None:
        super().__init__(weighted)
        self.raw = dict(raw)
        self.counts = dict(counts)
        self.labelled = labelled

    @classmethod
    def joined(
        cls, names: Names, weighted: Tensor, raw: Tensor, counts: Mapping[str, float]
    ) -> Losses:
        """Makes losses that are entries of one vector, so that one node of the graph has them all.

        Args:
            names: of the T tasks.
            weighted: `[T]`, static weight times L_t.
            raw: `[T]`, L_t.
            counts: `{task: n}`.
        """
        losses = cls(names, raw={}, counts=counts)
        losses.slices = (Slices(weighted, 0, names),)
        losses.raw = LazyValues.of(Slices(raw, 0, names))
        return losses

    @property
    def stacked(self) -> Tensor | None:
        """The losses as the vector `[T]` that they were cut from; None if they stand alone."""
        return None if self.changed or not self.slices else self.slices[0].whole

    @property
    def stacked_raw(self) -> Tensor | None:
        """`raw` as the vector `[T]` that it was cut from; None if the losses stand alone."""
        raw = self.raw
        if not isinstance(raw, LazyValues) or raw.changed or not raw.slices:
            return None
        return raw.slices[0].whole

    def times(self, factors: Mapping[str, float]) -> Losses:
        """Returns the losses times factors, by task; a task without a factor keeps its loss."""
        whole, raw = self.stacked, self.stacked_raw
        if whole is not None and raw is not None:
            each = [factors.get(task, 1.0) for task in self]
            if all(factor == 1.0 for factor in each):
                return self
            factor = torch.tensor(each, dtype=whole.dtype).to(whole.device, non_blocking=True)
            return Losses.joined(self.names, whole * factor, raw, self.counts)
        weighted = {
            task: loss if factors.get(task, 1.0) == 1.0 else loss * factors[task]
            for task, loss in self.items()
        }
        return Losses(weighted, raw=self.raw, counts=self.counts, labelled=self.labelled)

    def by_label(self, counts: Mapping[str, float] | None = None) -> Losses:
        """Returns each loss times ``n_t / sum_s n_s``: they add up to the mean over all labels.

        Balanced by a sum, a task then counts by the number of its labels. Multiply before
        `plait.backward`; a method that is invariant to the scale of a loss sees no difference.

        Args:
            counts: `{task: n_t}` of the whole step, where these are the losses of a micro-batch of
                it; by default their own.

        Raises:
            ConfigError: `counts` has no labels of a task whose loss is here.
        """
        whole = self.counts if counts is None else counts
        missing = [task for task in self if not whole.get(task)]
        if missing:
            raise ConfigError(
                f"`counts` must have the labels of each task with a loss; found none of "
                f"{missing[0]!r}. Add up `batch.counts` over the micro-batches of the step."
            )
        return self.times(label_shares(whole))


class Penalties(dict[str, Tensor]):
    """`{name: strength times term}`: addends of the balanced objective, never rows of it.

    Attributes:
        raw: `{name: term}`, before the strengths.
    """

    def __init__(
        self, scaled: Mapping[str, Tensor] | None = None, *, raw: Mapping[str, Tensor] | None = None
    ) -> None:
        super().__init__(scaled or {})
        self.raw = dict(raw or scaled or {})

    @classmethod
    def of(cls, terms: Mapping[str, Term]) -> Penalties:
        """Makes penalties from `{name: Term}`."""
        scaled = {name: term.scaled for name, term in terms.items()}
        return cls(scaled, raw={name: term.raw for name, term in terms.items()})
