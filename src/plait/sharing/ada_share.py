"""One trunk whose residual blocks each task runs or skips, as it learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from plait.core.errors import ConfigError, UnsupportedError
from plait.core.features import Features
from plait.core.outputs import TaskFeatures, Term
from plait.core.structure import Pass, input_of
from plait.core.watched import Watched
from plait.networks import (
    EncoderLike,
    Unit,
    block_shapes,
    blocks_that_keep_shape,
    channel_dim_of,
    grid_of,
    instance,
    one_tensor,
    units_of,
    unmasked,
)
from plait.sharing.base import JointSharing
from plait.sharing.search.gumbel import Search, gumbel_softmax
from plait.sharing.search.policy import Form, Policy, check_policy

Decision = float | Tensor  # the weight of a block, the shortcut has the rest


class AdaShare(JointSharing):
    """One residual trunk, of which each task runs the blocks that a search has selected for it.

        x <- u_lt act(R(x) + F(x)) + (1 - u_lt) R(x),    u_lt ~ GumbelSoftmax(logits_lt)

    with F the body of block l, R its shortcut, and u_lt the sampled weight of "select" for task t
    (drawn anew in each step, for all examples at once). In evaluation u is 1 or 0, whichever is
    more probable, and a skipped block is not run. Two terms shape the policy; p is the probability
    of "select", l = 1..L counts the blocks:

        sparsity = sum_t sum_l log p_lt,
        sharing  = sum_(s<t) sum_l (L - l) / L |p_ls - p_lt|

    After the warm-up, in which all blocks are selected, they open to choice from the last to the
    first; a closed block counts in no term.

    A residual block is a module that has its R as the attribute `shortcut` (None for the identity),
    in any depth of the encoder's `nn.Sequential`. In an encoder without any, each block (a stage
    with parameters and those without that follow it) that keeps the shape of its input can be
    skipped, and the others are always run.

    Search, take ``searched()``, and train its policy anew: ``AdaShare(encoder, **searched)``.

    Args:
        encoder: any module, or a factory of one. It is used, not copied.
        policy: what to run in place of a search: for each task, in order, one number per residual
            block, 1 to run and 0 to skip it; between them, the weight u. Blocks that no task runs
            are frozen. None searches. With a policy the options of the search are not read, so that
            the configuration of a search can be trained anew as it is.
        shortcut: the blocks' name for R; "downsample" for the ResNets of torchvision.
        sparsity: weight of that term, at least 0; 0.05 in the authors' configuration for NYU. The
            paper's form has no lower bound and pulls at a steady rate, and 0.05 was chosen for
            policies that learn at 0.01. These learn at ten times the rate of the weights: where
            that is above 0.001, everything may be skipped before it has learned, and a smaller
            weight (0.005 for 0.008) is called for.
        agreement: weight of the term "sharing", which draws the tasks' policies to each other, at
            least 0; 0.05 in that configuration too.
        form: "paper", or "official", the terms of the authors' code: the mean over blocks of
            -log(1 - p), summed over tasks, and sum_(s<t) sum_l l / L |z_ls - z_lt| of the raw
            logits z of "select".
        warmup: share of the training before the search, 0 <= warmup < 1; ours.
        curriculum: share of the training in which the blocks open one by one; ours. Block l opens
            at warmup + curriculum (L - l) / L.
        temperature: at the begin of the search; 5 in the authors' configuration. It falls
            geometrically.
        final_temperature: at the end of the training; the default is 5 x 0.965^100, the authors'
            after 100 of their alternations.

    Shapes:
        the levels have the shapes of the blocks' outputs.

    Raises:
        ConfigError: an option outside its range, or a policy of another size.
        UnsupportedError: no block can be skipped.

    Differs: policies and weights learn from the same batches with one optimizer (the policies at 10
        times the rate, without weight decay), while the paper alternates between two parts of the
        data; what is found is the more probable choice, while the paper samples it.

    Cost: tasks are run together as long as they decide alike, so one pass of the trunk in the
        warm-up and for equal policies, at most one for each task. In the search, the progress is
        copied to the host in each step, and in evaluation the policy.

    Reference: Sun, Panda, Feris, Saenko, "AdaShare: Learning What To Share For Efficient Deep
        Multi-Task Learning", NeurIPS 2020.
    """

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        policy: Sequence[Sequence[float]] | None = None,
        shortcut: str = "shortcut",
        sparsity: float = 0.05,
        agreement: float = 0.05,
        form: Form = "paper",
        warmup: float = 0.2,
        curriculum: float = 0.3,
        temperature: float = 5.0,
        final_temperature: float = 0.14,
    ) -> None:
        super().__init__()
        if form not in ("paper", "official"):
            raise ConfigError(f"`form` must be 'paper' or 'official'; found {form!r}.")
        for name, value in (("sparsity", sparsity), ("agreement", agreement)):
            if not value >= 0:
                raise ConfigError(f"`{name}` must be a weight of at least 0; found {value!r}.")
        if not 0 <= curriculum <= 1 - warmup:
            raise ConfigError(
                "`curriculum` must leave all blocks open at the end, 0 <= curriculum <= 1 - warmup;"
                f" found {curriculum!r} after a warm-up of {warmup!r}."
            )
        self.encoder = instance(encoder)
        self.policy = policy
        self.shortcut = shortcut
        self.sparsity = sparsity
        self.agreement = agreement
        self.form = form
        self.warmup = warmup
        self.curriculum = curriculum
        self.temperature = temperature
        self.final_temperature = final_temperature
        self.search = Search(warmup, temperature, final_temperature)
        self.policies: Policy | None = None
        self._kept: list[int] = []

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Finds the residual blocks, and makes the policies.

        Raises:
            ConfigError: the given policy does not fit the blocks and the tasks.
            UnsupportedError: no block can be skipped.
        """
        self.shapes = {task: block_shapes(self.encoder, input_of(task, example)) for task in tasks}
        keeping = [blocks_that_keep_shape(self.encoder, input_of(task, example)) for task in tasks]
        self._kept = sorted(set(keeping[0]).intersection(*keeping))
        count = len(self._skippable())
        if count == 0:
            raise UnsupportedError(
                f"{type(self.encoder).__name__} has no block that a task could skip: none has an "
                f"attribute {self.shortcut!r}, and none keeps the shape of its input. Give an "
                "encoder of residual blocks, or use sharing.Hard."
            )
        if self.policy is None:
            self.policies = Policy(tasks, count)
        else:
            check_policy(self.policy, count, tasks)
        self.tasks = tuple(tasks)
        self._freeze_what_nobody_runs()

    def run_all(self, passes: Sequence[Pass]) -> TaskFeatures:
        """Draws the decisions once, and runs for each wanted task the blocks that it selects."""
        opened = self._open() if self.policies is not None else []
        decisions, found = self._decisions(opened), TaskFeatures({}, terms=self._terms(opened))
        for inputs, tasks in passes:
            found |= self._run(inputs, tasks, decisions)
        return found

    def searched(self) -> dict[str, Any]:
        """Returns `{"policy": ...}` of the more probable choices; nothing before a search."""
        if self.policies is None or not bool(self.search.begun):
            return {}
        chosen = self._chosen(self._open())
        return {"policy": [[int(each) for each in chosen[task]] for task in self.tasks]}

    def watched(self) -> dict[str, Watched]:
        """Returns, while it searches, each task's probabilities to select a block."""
        if self.policies is None:
            return {}
        shares = self.policies().detach().softmax(dim=-1)[..., 0]
        columns = tuple(f"block {k + 1}" for k in range(shares.shape[1]))
        rows = dict(zip(self.tasks, shares, strict=True))
        return {"AdaShare: selected": Watched(rows, columns)}

    def prototype(self) -> nn.Module:
        """Returns the trunk."""
        return self.encoder

    def encoder_of(self, task: str) -> nn.Module:
        """Returns the trunk."""
        return self.encoder

    def _units(self) -> list[list[Unit]]:
        return units_of(self.encoder, self.shortcut, self._kept)

    def _skippable(self) -> list[Unit]:
        return [unit for block in self._units() for unit in block if unit.shortcut is not None]

    def _open(self) -> list[bool]:
        """Returns a bool for each block: True if the search may choose on it by now."""
        assert self.policies is not None
        count = self.policies.blocks
        return self.search.past(
            [self.warmup + self.curriculum * (count - 1 - k) / count for k in range(count)]
        )

    def _decisions(self, opened: Sequence[bool]) -> Mapping[str, Sequence[Decision]]:
        """Returns the weight of each block that can be skipped, for each task."""
        if self.policies is None:
            assert self.policy is not None
            given = [[float(each) for each in row] for row in self.policy]
            return dict(zip(self.tasks, given, strict=True))
        if not self.training:
            return self._chosen(opened)
        start, end = self.search.temperatures
        temperature = start * (end / start) ** self.search.share()
        # task by task: in one tensor, each task would depend on the policies of all
        drawn = [gumbel_softmax(own, temperature)[:, 0] for own in self.policies.each()]
        return {
            task: [weight if free else 1.0 for weight, free in zip(row, opened, strict=True)]
            for task, row in zip(self.tasks, drawn, strict=True)
        }

    def _chosen(self, opened: Sequence[bool]) -> dict[str, list[float]]:
        """Returns the more probable choices, 1 or 0; closed blocks and ties are selected."""
        assert self.policies is not None
        logits = self.policies().detach()
        select = (logits[..., 0] >= logits[..., 1]).tolist()
        return {
            task: [float(each or not free) for each, free in zip(row, opened, strict=True)]
            for task, row in zip(self.tasks, select, strict=True)
        }

    def _run(
        self, inputs: Any, wanted: Sequence[str], decisions: Mapping[str, Sequence[Decision]]
    ) -> dict[str, Features]:
        values, mask = unmasked(inputs, self.encoder)
        groups: list[tuple[list[str], Any]] = [(list(wanted), values)]
        levels: dict[str, list[Tensor]] = {task: [] for task in wanted}
        position = 0
        for depth, block in enumerate(self._units()):
            for unit in block:
                if unit.shortcut is None:
                    groups = [(tasks, unit.run(hidden, mask)) for tasks, hidden in groups]
                    continue
                groups = [
                    (part, weighed(unit, hidden, mask, decisions[part[0]][position]))
                    for tasks, hidden in groups
                    for part in alike(tasks, decisions, position)
                ]
                position += 1
            for tasks, hidden in groups:
                for task in tasks:
                    levels[task].append(one_tensor(hidden, depth, self.encoder))
        axis, grid = channel_dim_of(self.encoder), grid_of(inputs, self.encoder)
        return {task: Features(tuple(levels[task]), axis, mask, grid) for task in wanted}

    def _terms(self, opened: Sequence[bool]) -> dict[str, Term]:
        if self.policies is None:
            return {}
        sparsity, sharing = self.policies.terms(self.form, opened)
        terms: dict[str, Term] = {}
        if self.sparsity > 0:
            terms["AdaShare: sparsity"] = Term(sparsity, self.sparsity * sparsity)
        if self.agreement > 0 and len(self.tasks) > 1:
            terms["AdaShare: sharing"] = Term(sharing, self.agreement * sharing)
        return terms

    def _freeze_what_nobody_runs(self) -> None:
        """Freezes the bodies of blocks that the given policy skips for all tasks."""
        for position, unit in enumerate(self._skippable() if self.policy is not None else ()):
            assert self.policy is not None
            if any(row[position] != 0 for row in self.policy):
                continue
            shortcut = unit.shortcut if isinstance(unit.shortcut, nn.Module) else nn.Identity()
            still = set(shortcut.parameters())
            for stage in unit.stages:
                for parameter in stage.parameters() if isinstance(stage, nn.Module) else ():
                    parameter.requires_grad_(parameter.requires_grad and parameter in still)


def weighed(unit: Unit, hidden: Any, mask: Tensor | None, weight: Decision) -> Any:
    """Returns the mixture of a block and its shortcut; runs what has a weight."""
    if isinstance(weight, float) and weight in (0.0, 1.0):
        return unit.run(hidden, mask) if weight else unit.skip(hidden, mask)
    return weight * unit.run(hidden, mask) + (1 - weight) * unit.skip(hidden, mask)


def alike(
    tasks: Sequence[str], decisions: Mapping[str, Sequence[Decision]], position: int
) -> list[list[str]]:
    """Returns the tasks in groups that decide alike on a block; samples are never alike."""
    found: dict[float | str, list[str]] = {}
    for task in tasks:
        weight = decisions[task][position]
        found.setdefault(weight if isinstance(weight, float) else task, []).append(task)
    return list(found.values())
