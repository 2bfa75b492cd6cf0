"""A shared encoder that cannot tell the tasks apart, and a private one for each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ConfigError
from plait.core.features import Features, FeatureShape
from plait.core.keys import safe_key
from plait.core.options import Count, refuse_unused
from plait.core.outputs import TaskFeatures, Term
from plait.core.seeding import seeded
from plait.core.structure import Pass, input_of
from plait.core.watched import Watched
from plait.networks import Copies, EncoderLike, copy_of, encode, infer_shape
from plait.networks.grids import pool
from plait.networks.reversal import GradientReversal, Reversal
from plait.regularization.algebra.orthogonal import FORMS, OrthogonalityForm, orthogonality
from plait.sharing.base import JointSharing
from plait.tasks.heads import mlp


class SharedPrivate(JointSharing):
    """Shared and private encoders, told apart by an adversary and by orthogonality (ASP-MTL, DSN).

        z_t = [f_s(x), f_t(x)],    y_t = h_t(z_t)

    f_s is shared by all tasks, f_t is task t's own; they are joined along the channels of every
    level. Two terms are added to the objective. With p the pooled last level, [B, C]:

        adversarial x mean over the examples of CE(D(p(f_s(x))), task of x)
        difference  x sum_t C(p(f_s(x_t)), p(f_t(x_t)))

    The discriminator D learns to tell of which task an example is; the gradient that f_s gets of it
    is reversed (see `reversal`), so that f_s learns to hide it. C keeps private features from
    repeating shared ones.

    D needs examples that belong to a task: inputs of each task's own (`PerTask`), or batches of
    which a single task is wanted, as from one data set for each task. Where several tasks read one
    common input, an example is of all of them, there is nothing to tell apart, and the adversarial
    term is left out; set `adversarial` to 0 then, and no D is built.

    Args:
        encoder: any module, or a factory of one. It is copied, not used itself.
        copies: "reset" draws new weights for each encoder, those of f_t from (seed, name of the
            task); with "clone" all start from the same ones, such as pre-trained weights.
        adversarial: weight of the first term, at least 0; 0.05 by default (Liu et al.).
        difference: weight of the second, at least 0; 0.01 by default (Liu et al.).
        reversal: factor of the reversed gradient: "ganin" rises from 0 to 1 in the course of the
            training, as 2 / (1 + exp(-10 progress)) - 1; or a constant of at least 0. In a loop of
            your own, call `model.set_progress`, or else it stays at 0.
        hidden: widths of D's hidden layers, with ReLU; none by default (Liu et al.).
        form: of C: "normalised", "uncentred" or "frobenius", as in `regularization.Orthogonality`.

    Shapes: each level has twice the encoder's channels.

    Raises:
        ConfigError: a negative weight or factor, an unknown form, or an option of a term whose
            weight is 0.

    Differs: of both papers this is what they have in common; the reconstruction of the inputs in
        domain separation networks is left out. Both papers write the "frobenius" form, and the
        authors' code computes the normalised one.

    Cost: a pass of f_s, and one of f_t for each wanted task; with `PerTask` inputs one of each for
        each task. The parameters of T + 1 encoders.

    Reference: Liu, Qiu, Huang, "Adversarial Multi-task Learning for Text Classification", ACL 2017;
        Bousmalis, Trigeorgis, Silberman, Krishnan, Erhan, "Domain Separation Networks", NIPS 2016.
    """

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        copies: Copies = "reset",
        adversarial: float = 0.05,
        difference: float = 0.01,
        reversal: Reversal = "ganin",
        hidden: Sequence[Count] = (),
        form: OrthogonalityForm = "normalised",
    ) -> None:
        super().__init__()
        for what, weight in {"adversarial": adversarial, "difference": difference}.items():
            if not weight >= 0:
                raise ConfigError(f"`{what}` must be at least 0; found {weight}.")
        if form not in FORMS:
            raise ConfigError(f"`form` must be one of {', '.join(FORMS)}; found {form!r}.")
        if adversarial == 0:
            fixed = None if reversal == "ganin" else reversal
            refuse_unused("without `adversarial`", reversal=fixed, hidden=hidden or None)
        if difference == 0:
            refuse_unused("without `difference`", form=None if form == "normalised" else form)
        self.copies: Copies = copies
        self.adversarial = adversarial
        self.difference = difference
        self.reversal = reversal
        self.hidden = tuple(hidden)
        self.form: OrthogonalityForm = form
        self.reverse = GradientReversal(reversal)
        self.shared: nn.Module = nn.Identity()
        self.private = nn.ModuleDict()
        self.discriminator: nn.Module | None = None
        self._source = [encoder]

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Makes the encoders and the discriminator, and finds the shapes of the features."""
        source = self._take_source()
        self.tasks = tuple(tasks)
        self.shared = copy_of(source, self.copies, seed, "shared")
        for task in tasks:
            private = copy_of(source, self.copies, seed, "private", task)
            self.private[safe_key(task)] = private
            self.shapes[task] = _twice(infer_shape(private, input_of(task, example)))
        if self.adversarial > 0 and len(tasks) > 1:
            width = self.shapes[tasks[0]].channels() // 2
            with seeded(seed, "discriminator"):
                self.discriminator = mlp(width, self.hidden, len(tasks))

    def run_all(self, passes: Sequence[Pass]) -> TaskFeatures:
        """Joins each wanted task's features, the shared ones first; adds the two terms.

        The discriminator tells the tasks of all passes apart.
        """
        shared: dict[str, Features] = {}
        for inputs, tasks in passes:
            shared |= dict.fromkeys(tasks, encode(self.shared, inputs))
        private = {
            task: encode(self.private[safe_key(task)], inputs)
            for inputs, tasks in passes
            for task in tasks
        }
        # a table of disjoint tasks may have no row of a task
        pooled = {task: pool(each) for task, each in shared.items() if each.levels[-1].shape[0] > 0}
        terms: dict[str, Term] = {}
        watched: dict[str, Watched] = {}
        of_one_task = all(len(tasks) == 1 for _, tasks in passes)
        if self.discriminator is not None and pooled and of_one_task:
            cost, shown = self._tell_apart(self.discriminator, pooled)
            terms["SharedPrivate: adversary"] = Term(cost, self.adversarial * cost)
            watched["SharedPrivate: adversary"] = shown
        if self.difference > 0 and pooled:
            cost = self._difference(pooled, private)
            terms["SharedPrivate: difference"] = Term(cost, self.difference * cost)
        joined = {task: _joined(shared[task], private[task]) for task in shared}
        return TaskFeatures(joined, terms=terms, watched=watched)

    def prototype(self) -> nn.Module:
        """Returns the shared encoder."""
        return self.shared

    def _tell_apart(
        self, discriminator: nn.Module, pooled: Mapping[str, Tensor]
    ) -> tuple[Tensor, Watched]:
        """Returns the discriminator's cross-entropy, and its accuracy and reversal for the log."""
        read = torch.cat([*pooled.values()])
        labels = torch.cat(
            [
                torch.full((each.shape[0],), self.tasks.index(task), device=read.device)
                for task, each in pooled.items()
            ]
        )
        logits = discriminator(self.reverse(read))
        right = (logits.detach().argmax(dim=1) == labels).to(read.dtype).mean()
        shown = Watched({"accuracy": right, "reversal": self.reverse.factor()})
        return F.cross_entropy(logits, labels), shown

    def _difference(self, pooled: Mapping[str, Tensor], private: Mapping[str, Features]) -> Tensor:
        """Returns the sum over the tasks of C."""
        device = next(iter(pooled.values())).device
        with torch.autocast(device.type, enabled=False):
            parts = [
                orthogonality(shared, pool(private[task]), self.form)
                for task, shared in pooled.items()
            ]
            return torch.stack(parts).sum()


def _joined(shared: Features, private: Features) -> Features:
    """Returns the features side by side along the channels."""
    pairs = zip(shared.levels, private.levels, strict=True)
    return replace(shared, levels=tuple(torch.cat(pair, dim=shared.channel_dim) for pair in pairs))


def _twice(shape: FeatureShape) -> FeatureShape:
    """Returns the shape with twice the channels."""
    if shape.channel_dim == -1:
        return replace(shape, levels=tuple((*rest, 2 * last) for *rest, last in shape.levels))
    return replace(shape, levels=tuple((2 * first, *rest) for first, *rest in shape.levels))
