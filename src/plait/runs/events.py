"""The lines of `events.jsonl`: written by training, read by reports.

A field with a default may be absent from a line: `encode` leaves out what is None or empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from plait.runs.mixture import MixturePlan, MixtureSeen

Scores = dict[str, dict[str, float]]  # {task: {metric: value}}, the main metric first
Row = list[float | None]  # a number for each task


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """The names of the tasks, before the first step: the rows of the steps are in their order.

    A loop of one's own may meet a task later: then a second line has all names, the known ones
    first, and the rows of the steps below it are in its order.

    Attributes:
        names: of the tasks.
    """

    event: Literal["tasks"] = "tasks"
    names: list[str]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One optimizer step.

    A `Row` has a number for each task, in the order of the names in the `Tasks` line above, and
    None or NaN for a task that has none. Where one number stands in place of a row, it is that of
    every task with a loss.

    Attributes:
        step: its number, from 1.
        epoch: epochs that were finished before it, from 0.
        lr: learning rate of the optimizer's first group.
        seconds: spent in training and evaluation so far.
        losses: L_t, the mean over its own labels, before weights and shares; None for a task
            without a label in the step, and for a loss that is not finite.
        gradient_norm: length of the whole gradient before clipping; None for a skipped step.
        skipped: why the step was not taken; None if it was.
        flag: what the balancer found out of the ordinary, such as a Pareto-stationary point;
            None if nothing.
        weights: what each task's gradient counted; empty for a method without weights.
        terms: `{penalty: (term, strength x term)}`; empty without penalties.
        norms: lengths of the tasks' gradients; empty where they were not formed.
        cosines: between the gradients of tasks 1 and 2, 1 and 3, ..., 2 and 3, ...; empty where
            they were not formed.
        shares: share of each task in the step's labels, by which its loss was multiplied with the
            reduction "label"; empty with "task".
    """

    event: Literal["step"] = "step"
    step: int
    epoch: int
    lr: float
    seconds: float
    losses: Row
    gradient_norm: float | None
    skipped: str | None = None
    flag: str | None = None
    weights: Row | float = field(default_factory=list)
    terms: dict[str, tuple[float, float]] = field(default_factory=dict)
    norms: Row | float = field(default_factory=list)
    cosines: Row = field(default_factory=list)
    shares: Row | float = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Losses and metrics on a data set.

    Attributes:
        losses: `{task: mean loss over all valid labels}`.
        metrics: `{task: {metric: value}}`, the main metric first.
        trivial: the same metrics of the best constant prediction; empty where it is not known.
        counts: `{task: mass of the valid labels}`.
        higher_is_better: `{task: {metric: direction}}`; empty where it is not known.
        undefined: `{task: {metric: reason}}` of metrics that are NaN, the reason as what follows
            "because".
        one_class: `{task: the class}` of tasks that predict one class only, although their labels
            have more.
        all_right: `{metric: share of the examples}` of metrics over several tasks at once; NaN
            where no example has a label of each.
    """

    event: str
    losses: dict[str, float]
    metrics: Scores
    trivial: Scores
    counts: dict[str, float]
    higher_is_better: dict[str, dict[str, bool]] = field(default_factory=dict)
    undefined: dict[str, dict[str, str]] = field(default_factory=dict)
    one_class: dict[str, str] = field(default_factory=dict)
    all_right: dict[str, float] = field(default_factory=dict)

    def direction(self, task: str, metric: str) -> bool | None:
        """Returns whether a higher value is better; None where the event does not say."""
        return self.higher_is_better.get(task, {}).get(metric)


@dataclass(frozen=True, kw_only=True)
class Validation(Evaluated):
    """Losses and metrics on the validation data after an epoch.

    Attributes:
        epoch: epochs that are finished; 0 for the weights before the first step.
        step: steps that are taken.
        score: by the rule that picks the best epoch; higher is better.
        seconds: spent in training and evaluation so far.
        best_epochs: `{task: the epoch in which its own main metric was best so far}`.
    """

    event: Literal["evaluation"] = "evaluation"
    epoch: int
    step: int
    score: float
    seconds: float
    best_epochs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FinalTest(Evaluated):
    """Losses and metrics of the best epoch's model on the test data, after training."""

    event: Literal["test"] = "test"


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """A table that a part of the model recorded of itself.

    Attributes:
        shares: whether each row is shares of one whole, such as a gate's.
        rows: `{row: number}`, or `{row: {column: number}}`; None for one that is not finite.
    """

    shares: bool
    rows: dict[str, float | dict[str, float | None] | None]


@dataclass(frozen=True, kw_only=True)
class WatchedValues:
    """Tables that the parts of the model recorded of themselves at a step.

    Attributes:
        step: its number, from 1.
        epoch: epochs that were finished before it, from 0.
        values: `{title: table}`.
    """

    event: Literal["watched"] = "watched"
    step: int
    epoch: int
    values: dict[str, Numbers]


@dataclass(frozen=True, kw_only=True)
class Warned:
    """Something that is wrong with a part of the model, such as a gate that has collapsed.

    Attributes:
        step: at which it was found, from 1.
        text: what is wrong, and what may help.
    """

    event: Literal["warning"] = "warning"
    step: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The number of rows in a split that have a label, task by task.

    A row is an example; a label counts that is there and weighs more than 0.

    Attributes:
        split: "train", "val" or "test".
        rows: `{task: its rows}`: all of the split, unless inputs differ by task.
        labelled: `{task: its rows with a label}`.
        classes: `{task: {class: labels}}` of tasks with one label a row and at most 20 classes; of
            tasks with several yes-or-no labels, how often each is yes; empty for other tasks.
    """

    event: Literal["labels"] = "labels"
    split: str
    rows: dict[str, int]
    labelled: dict[str, int]
    classes: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def worst_first(self) -> list[str]:
        """The tasks by their share of rows with a label, the smallest share first."""
        return sorted(self.rows, key=lambda task: self.labelled[task] / max(self.rows[task], 1))


@dataclass(frozen=True, kw_only=True)
class FirstStepsSeen:
    """The check of the first steps: whether each task learns, and how far apart the losses are.

    Attributes:
        step: after which it was said, from 1.
        lines: what was found.
    """

    event: Literal["first steps"] = "first steps"
    step: int
    lines: list[str]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The end of a training that could have been another one.

    Attributes:
        epoch: epochs that are finished.
        step: steps that are taken.
        text: why it ended; that it was still improving, if it was.
    """

    event: Literal["end"] = "end"
    epoch: int
    step: int
    text: str


KINDS = (
    Tasks,
    Step,
    Validation,
    FinalTest,
    WatchedValues,
    Warned,
    Coverage,
    MixturePlan,
    MixtureSeen,
    FirstStepsSeen,
    Ended,
)

Event = (
    Tasks
    | Step
    | Validation
    | FinalTest
    | WatchedValues
    | Warned
    | Coverage
    | MixturePlan
    | MixtureSeen
    | FirstStepsSeen
    | Ended
)
