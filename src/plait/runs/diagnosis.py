"""`diagnosis.json`: how the tasks of a network act on each other, and what could be done about it.

Numbers that could not be measured are None. Matrices are `[T, T]`, lists in the order of `tasks`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from plait.core.files import write_text
from plait.core.typed_json import read_typed
from plait.runs.events import Numbers
from plait.runs.folder import DIAGNOSIS

Number = float | None
Matrix = list[list[Number]]


@dataclass(frozen=True, kw_only=True)
class SharedBy:
    """The parameters that one set of tasks trains, and no other task.

    Attributes:
        tasks: the set; empty for what no task reaches.
        parameters: how many numbers.
    """

    tasks: list[str]
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """The gradients of each pair of tasks over some shared parameters, on several batches.

    Attributes:
        name: of the layer; empty for all shared parameters together.
        parameters: how many numbers.
        tasks: the tasks that reach them, in the order of the matrices.
        cosine: mean over the pairs and batches.
        rate: share of the pairs and batches with a negative cosine.
        norms: mean length of each task's gradient, `[T]`.
        cosines: mean over the batches, symmetric; None on the diagonal, and for a pair that had no
            batch in common. Empty for a layer of more than ten tasks.
        rates: share of the batches in which the cosine is negative, likewise.
        similarities: mean over the batches of 2 ab / (a^2 + b^2), a and b the lengths; 1 for
            equal ones. Likewise.
        deviations: sample standard deviation of the cosine over the batches, likewise.
        counts: batches in which both had a gradient, likewise.
    """

    name: str = ""
    parameters: int
    tasks: list[str]
    cosine: Number
    rate: Number
    norms: list[Number]
    cosines: Matrix = field(default_factory=list)
    rates: Matrix = field(default_factory=list)
    similarities: Matrix = field(default_factory=list)
    deviations: Matrix = field(default_factory=list)
    counts: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for matrix in (self.cosines, self.rates, self.similarities, self.deviations, self.counts):
            check_square(f"matrices of conflict {self.name!r}", matrix, len(self.tasks))


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The conflicts of a stretch of training, by what the log has of its steps.

    Attributes:
        step: its last step.
        cosine: mean over the pairs and steps.
        rate: share of the pairs and steps with a negative cosine.
        similarity: mean of 2 ab / (a^2 + b^2) over the pairs and steps, a and b the lengths.
        shares: `{task: its mean share in the update}`; see `Diagnosis.shares`. Empty where the log
            has no weights or lengths.
    """

    step: int
    cosine: Number
    rate: Number
    similarity: Number
    shares: dict[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Opposed:
    """A pair of tasks whose gradients point against each other, beyond the noise of the batches.

    Attributes:
        first, second: the tasks.
        cosine: mean over the batches.
        low, high: interval of that mean, corrected for the number of pairs.
        rate: share of the batches in which the cosine is negative.
    """

    first: str
    second: str
    cosine: float
    low: float
    high: float
    rate: float


@dataclass(frozen=True, kw_only=True)
class LossScale:
    """The loss of one task, times its static weight.

    Attributes:
        first: mean of the first steps in the log; None without a log.
        loss: mean over the measured batches.
        norm: mean length of its gradient at the shared parameters; None if it has none.
        batches: those that had labels of the task.
    """

    first: Number
    loss: Number
    norm: Number
    batches: int


@dataclass(frozen=True, kw_only=True)
class Affinity:
    """The effect of a step for one task on the loss of another.

    Attributes:
        method: "TAG" (a step ahead on a copy) or "Grad-TAG" (projected gradients, linear fits).
        values: 1 - (loss of the column's task after a step for the row's) / (before); positive is
            an improvement. None where it could not be measured.
        batches: those it is the mean of.
        step: length of the step: the learning rate.
    """

    method: str
    values: Matrix
    batches: int
    step: float


@dataclass(frozen=True, kw_only=True)
class Group:
    """Tasks that are proposed for one network.

    Attributes:
        tasks: at least one.
        gains: `{task: predicted gain in this network over the network of all tasks}`, in units of
            the affinity.
    """

    tasks: list[str]
    gains: dict[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """The tasks, put into networks by their affinities.

    Attributes:
        groups: one for each network; every task is in one.
        gain: mean of the predicted gains over the tasks; 0 for one group of all.
        search: "exact" or "greedy".
        check_seconds: training time of what would check it: the networks of the proposal, from
            three seeds; None where no training was measured.
        check: the command that would check it; empty where one group is proposed.
    """

    groups: list[Group]
    gain: Number
    search: str
    check_seconds: Number = None
    check: str = ""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Time and memory of a training step with one balancer, on this model and these data.

    Attributes:
        balancer: its name.
        seconds: of a step; None where it cannot be used here.
        ratio: seconds over those of the plain sum.
        memory: bytes of tensors at the peak of a step: parameters, gradients, optimizer,
            activations, rows.
        passes: backward passes of a step, in words.
        route: how the engine forms the gradients.
        why: why it cannot be used here; empty if it can.
        like: the balancer of the same kind whose steps were measured; empty if its own were.
    """

    balancer: str
    seconds: Number
    ratio: Number
    memory: int | None
    passes: str
    route: str = ""
    why: str = ""
    like: str = ""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Describes how the tasks of a network act on each other.

    Attributes:
        tasks: their names, in the order of the model.
        source: "run" (a trained one), "config" (after a short training) or "model" (of a loop of
            your own).
        title: of what it is: the folder, or the file of settings.
        steps: optimizer steps behind the measured weights; None where that is not known.
        batches: training batches on which gradients were measured.
        sentences: what was found, in plain words, the most important first.
        advice: what to do, in a sentence or two.
        shared: the parameters by the set of tasks that they serve, the largest set first.
        conflict: gradients over all shared parameters; None where no two tasks share any.
        layers: the same for each module that holds shared parameters, in the order of the model.
        history: over the training, in at most 20 stretches; empty where the log has no cosines.
        opposed: the pairs in conflict, the worst first; empty: no conflict seen.
        shares: `{task: its share in the plain sum's update}`: ``g_t d / |d|^2`` with d the sum of
            the g_t; they add up to 1, and one below 0 works against its task.
        balanced_shares: the same under the run's weights, late in its log; empty where not known.
        losses: `{task: its loss}`.
        flags: `{what the balancer found out of the ordinary: steps}`.
        watched: `{title: table}`, the last in the log: gates, experts, alphas.
        warnings: what the log warns of.
        affinity: None where it was not measured.
        grouping: None likewise.
        forecast: by balancer, the plain sum first; empty where it was not made.
        notes: what was not measured, and why.
    """

    tasks: list[str]
    source: Literal["run", "config", "model"]
    title: str
    steps: int | None
    batches: int
    sentences: list[str]
    advice: str
    shared: list[SharedBy]
    conflict: Conflict | None = None
    layers: list[Conflict] = field(default_factory=list)
    history: list[Moment] = field(default_factory=list)
    opposed: list[Opposed] = field(default_factory=list)
    shares: dict[str, Number] = field(default_factory=dict)
    balanced_shares: dict[str, Number] = field(default_factory=dict)
    losses: dict[str, LossScale] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    watched: dict[str, Numbers] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    affinity: Affinity | None = None
    grouping: Grouping | None = None
    forecast: list[Forecast] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.affinity is not None:
            check_square("`affinity.values`", self.affinity.values, len(self.tasks))

    @property
    def known_shares(self) -> dict[str, float]:
        """The shares in the update that could be measured."""
        return {task: share for task, share in self.shares.items() if share is not None}


def check_square(what: str, matrix: Sequence[Sequence[object]], size: int) -> None:
    """Raises `ValueError` unless a matrix is empty or has `size` rows of `size` numbers."""
    if matrix and (len(matrix) != size or any(len(row) != size for row in matrix)):
        rows, columns = len(matrix), max(map(len, matrix))
        raise ValueError(f"{what} must be [{size}, {size}]; found [{rows}, {columns}].")


def write_diagnosis(folder: Path, diagnosis: Diagnosis) -> None:
    """Writes `diagnosis.json` into a folder, atomically."""
    write_text(folder / DIAGNOSIS, json.dumps(asdict(diagnosis), allow_nan=False) + "\n")


def read_diagnosis(folder: Path) -> Diagnosis:
    """Reads `diagnosis.json`.

    Raises:
        DataError: it is missing or broken; the message names the field.
    """
    hint = f"Write it anew: `plait diagnose {folder}`."
    return read_typed(Diagnosis, folder / DIAGNOSIS, hint=hint)
