"""Experts that are copies of the encoder: making them, and running them on each input."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from plait.core.errors import ConfigError, unknown
from plait.core.features import Features
from plait.core.keys import safe_key
from plait.core.outputs import TaskFeatures, Term
from plait.core.structure import Pass, passes_of
from plait.core.watched import Watched
from plait.networks import Copies, EncoderLike, copy_of, infer_shape
from plait.sharing.base import JointSharing
from plait.sharing.experts.gate_tables import GateTitle, watch_gates
from plait.sharing.experts.gates import GateInput, checked_gate

SHARED = "shared"  # whose key the experts of no task have; those of a task have its `safe_key`
Counts = int | Mapping[str, int]


@dataclass
class Gathered:
    """Results of the passes of one forward, as they come in.

    Attributes:
        features: `{task: Features}`.
        weights: `{title: {gate: [B, E] or [E]}}`, as `watch_gates` takes them.
        experts: `{title: {gate: names of its experts}}`, in the order of its weights.
        terms: auxiliary terms by name.
    """

    features: dict[str, Features] = field(default_factory=dict)
    weights: dict[GateTitle, dict[str, Tensor]] = field(default_factory=dict)
    experts: dict[GateTitle, dict[str, Sequence[str]]] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)

    def watch(self, title: GateTitle, gate: str, weights: Tensor, experts: Sequence[str]) -> None:
        """Keeps a gate's weights for the log.

        Args:
            title: of the group of gates.
            gate: its name.
            weights: `[B, E]` or `[E]`.
            experts: names of the experts that it weighs, in that order.
        """
        self.weights.setdefault(title, {})[gate] = weights
        self.experts.setdefault(title, {})[gate] = experts


class ExpertSharing(JointSharing):
    """Copies of the encoder as experts, some of all tasks and some of one, and gates over them.

    Args:
        encoder: is copied.
        copies: how.
        gate_input: what the gates read.
        gate_hidden: widths of their hidden layers.
    """

    def __init__(
        self,
        encoder: EncoderLike,
        copies: Copies,
        gate_input: GateInput,
        gate_hidden: Sequence[int] = (),
    ) -> None:
        super().__init__()
        checked_gate(gate_input, gate_hidden)
        self.copies: Copies = copies
        self.gate_input: GateInput = gate_input
        self.gate_hidden = tuple(gate_hidden)
        self.encoders = nn.ModuleDict()
        self.gates = nn.ModuleDict()
        self._source = [encoder]

    def run_all(self, passes: Sequence[Pass]) -> TaskFeatures:
        """Runs the experts that the wanted tasks read, and no others; logs all gates."""
        found = Gathered()
        for inputs, tasks in passes:
            self._pass(inputs, tasks, found)
        watched: dict[str, Watched] = {}
        for title, weights in found.weights.items():
            watched |= watch_gates(title, weights, found.experts[title], shares=self._shares())
        return TaskFeatures(found.features, terms=found.terms, watched=watched)

    def prototype(self) -> nn.Module:
        """Returns the first expert."""
        owners = (SHARED, *map(safe_key, self.tasks))
        return next(expert for owner in owners for expert in self._experts(owner))

    @abstractmethod
    def _pass(self, inputs: Any, wanted: Sequence[str], found: Gathered) -> None:
        """Runs the experts that the wanted tasks read, on one input; fills `found`."""

    def _grow(
        self, tasks: Sequence[str], example: Any, seed: int, shared: int, own: Mapping[str, int]
    ) -> None:
        """Makes the experts and finds the shapes of their features.

        Args:
            tasks: the names of all tasks.
            example: one batch of inputs.
            seed: of the experts.
            shared: number of experts of all tasks.
            own: `{task: number of its own}`.
        """
        source = self._take_source()
        self.tasks = tuple(tasks)
        owners: list[tuple[str, int, tuple[str, ...]]] = [(SHARED, shared, ())]
        owners += [(safe_key(task), own.get(task, 0), (task,)) for task in tasks]
        for owner, count, name in owners:
            if count:
                self.encoders[owner] = nn.ModuleList(
                    copy_of(source, self.copies, seed, "expert", *name, number)
                    for number in range(count)
                )
        for inputs, readers in passes_of(example, tasks):
            self.shapes |= dict.fromkeys(readers, infer_shape(self.prototype(), inputs))

    def _experts(self, owner: str) -> list[nn.Module]:
        """Returns the experts under a key: that of a task, or `SHARED`; empty if there are none."""
        return [*self.encoders[owner].children()] if owner in self.encoders else []

    def _names(self, task: str) -> list[str]:
        """Returns the names of the experts of a task's gate, in the order of its weights."""
        own, shared = len(self._experts(safe_key(task))), len(self._experts(SHARED))
        return [
            *(f"own {number + 1}" for number in range(own)),
            *(f"{SHARED} {number + 1}" for number in range(shared)),
        ]

    def _shares(self) -> bool:
        """Returns whether a gate that gives everything to one expert is ill."""
        return True


def checked_count(name: str, value: object, least: int) -> None:
    """Raises `ConfigError` unless a value is a whole number of at least `least`."""
    if not isinstance(value, int) or value < least:
        raise ConfigError(
            f"`{name}` must be a whole number, at least {least}; found {value!r}. Set it and try "
            "again."
        )


def checked_counts(own: Counts, shared: int, least: int = 0) -> None:
    """Raises `ConfigError` for `task_experts` and `shared_experts` that leave a task without any.

    Args:
        own: `task_experts`.
        shared: `shared_experts`.
        least: of `own`.
    """
    checked_count("shared_experts", shared, 0)
    for task, count in own.items() if isinstance(own, Mapping) else [("", own)]:
        checked_count(f"task_experts.{task}" if task else "task_experts", count, least)
        if count + shared == 0:
            raise ConfigError(
                "`task_experts` and `shared_experts` are both 0, so that there is no expert"
                f"{f' for task {task!r}' if task else ''}. Set one of them to 1 or more."
            )


def counts_of(own: Counts, tasks: Sequence[str]) -> dict[str, int]:
    """Returns `{task: number of experts}`; raises `ConfigError` unless it names every task."""
    if not isinstance(own, Mapping):
        return dict.fromkeys(tasks, own)
    for task in own:
        if task not in tasks:
            raise ConfigError(unknown("task of `task_experts`", task, tasks))
    missing = [task for task in tasks if task not in own]
    if missing:
        raise ConfigError(
            f"`task_experts` has no number for task {missing[0]!r}; found {dict(own)}. Name every "
            "task, or give one number for all."
        )
    return dict(own)
