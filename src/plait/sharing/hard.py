"""One encoder for all tasks, or one for each group of tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from plait.core.errors import ConfigError, unknown
from plait.core.features import Features, FeatureShape
from plait.core.options import refuse_unused
from plait.core.outputs import TaskFeatures
from plait.core.structure import passes_of
from plait.networks import (
    Copies,
    EncoderLike,
    Stage,
    copy_of,
    encode,
    infer_shape,
    instance,
    owns_parameters,
    stages_of,
)
from plait.sharing.base import Sharing


class Hard(Sharing):
    """Hard parameter sharing: one encoder, one head for each task.

        z = f(x),    y_t = h_t(z)

    With groups there is one encoder, a trunk, for each group g of tasks: z_t = f_g(t)(x). With
    `attach`, the head of task t reads the features after stage l_t in place of those after the
    last, z_t = f^(l_t) o ... o f^(0) (x): simple tasks are supervised at lower stages (hierarchical
    supervision).

    Args:
        encoder: any module, or a factory of one. Without `groups` it is used, not copied.
        groups: lists of tasks, each task in exactly one of them; one group of all by default. To
            train a task in several groups and serve it from one of them, train a model for each.
        attach: `{task: stage}`, the last stage that the task's head reads, from 0; other tasks read
            all stages. Every stage that learns has to be read by a task.
        copies: how a group's trunk starts: "clone" from the weights of the encoder, "reset" from
            new ones, drawn from (seed, names of the group's tasks). It needs groups.

    Raises:
        ConfigError: `copies` without groups.

    Raises (in `setup`):
        ConfigError: a group that is empty or names an unknown task, a task in no group or in two, a
            stage that does not exist, or one that learns and that no task reads.

    Cost: one pass of the encoder for each group, whatever the number of tasks, and of the stages
        alone that the wanted tasks read; with `PerTask` inputs one pass for each task.

    Reference: Caruana, "Multitask Learning", Machine Learning 28, 1997. Groups: Standley, Zamir,
        Chen, Guibas, Malik, Savarese, "Which Tasks Should Be Learned Together in Multi-task
        Learning?", ICML 2020. Attachment: Sogaard, Goldberg, "Deep multi-task learning with low
        level tasks supervised at lower layers", ACL 2016.
    """

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        groups: Sequence[Sequence[str]] | None = None,
        attach: Mapping[str, int] | None = None,
        copies: Copies = "clone",
    ) -> None:
        super().__init__()
        if groups is None:
            refuse_unused("without `groups`", copies=None if copies == "clone" else copies)
        self.groups = None if groups is None else [list(group) for group in groups]
        self.attach = dict(attach or {})
        self.copies = copies
        self._group_of: dict[str, int] = {}
        self._depths: dict[str, int] = {}  # how many stages a task reads
        if groups is None:
            self.encoder = instance(encoder)
        else:
            self.trunks = nn.ModuleList()
            self._source = [encoder]

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Makes the trunks of the groups and finds the shapes of the features."""
        self._group_of = self._groups(tasks)
        if self.groups is not None:
            source = self._take_source()
            for group in self.groups:
                self.trunks.append(copy_of(source, self.copies, seed, *group))
        self.tasks = tuple(tasks)
        found = dict(self._shapes(example))
        self.shapes = {task: found[task] for task in tasks}

    def run(self, inputs: Any, tasks: Sequence[str]) -> TaskFeatures:
        """Runs each group's trunk once; tasks that read the same stages get the same features."""
        found: dict[str, Features] = {}
        for together in self._by_group(tasks):
            depth = max(self._depths[task] for task in together)
            whole = encode(self.encoder_of(together[0]), inputs, stages=depth)
            cut = {depth: whole}
            for task in together:
                stages = self._depths[task]
                if stages not in cut:
                    cut[stages] = replace(whole, levels=whole.levels[:stages])
                found[task] = cut[stages]
        return TaskFeatures({task: found[task] for task in tasks})

    def prototype(self) -> nn.Module:
        """Returns the encoder, or the first group's."""
        return self.encoder if self.groups is None else self.trunks[0]

    def encoder_of(self, task: str) -> nn.Module:
        """Returns the trunk that serves a task."""
        return self.encoder if self.groups is None else self.trunks[self._group_of[task]]

    def common_stages(self) -> list[Stage]:
        """Returns the stages that every task reads; none with groups, whose trunks run apart."""
        known = self.groups is None and type(self) is Hard
        return stages_of(self.encoder)[: min(self._depths.values())] if known else []

    def same_features(self, tasks: Collection[str]) -> bool:
        """Returns whether tasks read the same stages of one trunk."""
        known = type(self) is Hard  # another class may run otherwise
        return known and len({(self._group_of[t], self._depths[t]) for t in tasks}) == 1

    def _by_group(self, tasks: Sequence[str]) -> list[list[str]]:
        """Returns the tasks in lists, one for each group that has any of them."""
        by_group: dict[int, list[str]] = {}
        for task in tasks:
            by_group.setdefault(self._group_of[task], []).append(task)
        return list(by_group.values())

    def _groups(self, tasks: Sequence[str]) -> dict[str, int]:
        """Returns `{task: number of its group}`."""
        if self.groups is None:
            return dict.fromkeys(tasks, 0)
        found: dict[str, int] = {}
        for number, group in enumerate(self.groups):
            if not group:
                raise ConfigError("a group of `groups` must name a task; found an empty one.")
            for task in group:
                if task not in tasks:
                    raise ConfigError(unknown("task of `groups`", task, tasks))
                if task in found:
                    raise ConfigError(
                        f"a task has one group, which serves it; `groups` names {task!r} twice. "
                        "Leave it in one of them."
                    )
                found[task] = number
        missing = [task for task in tasks if task not in found]
        if missing:
            raise ConfigError(
                f"every task needs a group; `groups` does not name {', '.join(missing)}. Add "
                f"{[missing[0]]}, a group of its own."
            )
        return found

    def _shapes(self, example: Any) -> Iterator[tuple[str, FeatureShape]]:
        """Yields the shapes of each task's features; finds how many stages it reads."""
        for task in self.attach:
            if task not in self.tasks:
                raise ConfigError(unknown("task of `attach`", task, self.tasks))
        for inputs, readers in passes_of(example, self.tasks):
            for together in self._by_group(readers):
                whole = infer_shape(self.encoder_of(together[0]), inputs)
                for task in together:
                    self._depths[task] = self._depth_of(task, len(whole.levels))
                    yield task, replace(whole, levels=whole.levels[: self._depths[task]])
        self._check_all_read()

    def _depth_of(self, task: str, stages: int) -> int:
        """Returns the number of a trunk's stages that a task runs through."""
        last = self.attach.get(task, stages - 1)
        if last not in range(stages):
            raise ConfigError(
                f"`attach` must name a stage in 0..{stages - 1}; found {last!r} for task {task!r}."
            )
        return last + 1

    def _check_all_read(self) -> None:
        """Raises `ConfigError` for a stage that learns and that no task reads."""
        for task in self.attach:
            together = [each for each in self.tasks if self._group_of[each] == self._group_of[task]]
            depth = max(self._depths[each] for each in together)
            if any(map(owns_parameters, stages_of(self.encoder_of(task))[depth:])):
                raise ConfigError(
                    f"every stage that learns must be read by a task; no task reads those after "
                    f"stage {depth - 1}. Give a shorter encoder, or do not attach {task!r}."
                )
