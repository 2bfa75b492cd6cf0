"""The weights of the best epoch: by the rule for all tasks, and by each task's own main metric."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from plait.core.errors import CheckpointError, ConfigError, unknown
from plait.core.keys import safe_key
from plait.distributed import ranks
from plait.distributed.shards import whole_values
from plait.evaluation.evaluator import Evaluation
from plait.evaluation.rules import task_scores
from plait.model import MultiTaskModel
from plait.model.folder import load_state
from plait.runs import folder
from plait.sharing import Separate
from plait.training.checkpoint import read_checkpoint
from plait.training.options import Best
from plait.training.state import State
from plait.training.writer import Writer

LONGEST_NAME = 100  # characters of a task's name in that of a file


class BestWeights:
    """Keeps the weights of the best epoch, and gives them back.

    Args:
        run: the run folder, whose checkpoints/ has best.pt and, for each task, best-TASK.pt; None
            keeps them in memory.
        model: the model.
        best: "all" keeps the weights of the epoch that is best by the rule; "kept" keeps those of
            each task's own best epoch as well, T times the model; "each" keeps of these each
            task's own network alone, one model in all, and gives each its own.
        writer: of the files; by default one that writes at once.

    Raises:
        ConfigError: "each" for a model in which tasks share weights.

    Example:
        The weights that are best for one task, of a run with ``best="kept"``::

            model = MultiTaskModel.from_pretrained("runs/mine/model")
            BestWeights(Path("runs/mine"), model).restore("depth")
    """

    def __init__(
        self,
        run: Path | None,
        model: MultiTaskModel,
        best: Best = "kept",
        writer: Writer | None = None,
    ) -> None:
        self.run = run
        self.model = model
        self.best = best
        self._writer = writer or Writer()
        self._kept: dict[str | None, dict[str, Any]] = {}
        if best == "each":
            check_separate(model)

    def begin(self) -> None:
        """Forgets what is in memory."""
        self._kept.clear()

    def update(self, state: State, evaluation: Evaluation, score: float) -> None:
        """Keeps the present weights where they are the best so far, for all or for some tasks.

        Args:
            state: remembers the best scores, epochs and metrics.
            evaluation: of the present weights.
            score: by the rule for all tasks.
        """
        improved = state.improve(score, evaluation.metrics)
        better = state.improve_tasks(task_scores(evaluation), evaluation.metrics)
        kept = better if self.best != "all" else []
        weights = whole_values(self.model.state_dict()) if improved or kept else {}
        if improved:
            self._keep(None, weights)
        renewed = better if self.best == "each" else [*self.model.tasks] if improved else []
        state.one_class = {t: each for t, each in state.one_class.items() if t not in renewed}
        state.one_class |= {t: each for t, each in evaluation.one_class.items() if t in renewed}
        for task in kept:
            own = _own(task) if self.best == "each" else ("",)
            self._keep(task, {name: each for name, each in weights.items() if name.startswith(own)})

    def metrics(self, state: State) -> dict[str, dict[str, float]]:
        """Returns `{task: {metric: value}}` of the weights that `restore` gives."""
        return state.own_metrics if self.best == "each" else state.best_metrics

    def restore(self, task: str | None = None) -> None:
        """Gives the model the best weights.

        Args:
            task: whose best weights; by default those that are best for all, where with "each"
                each task's own network is that of its own best epoch.

        Raises:
            ConfigError: an unknown task.
            CheckpointError: there are no such weights.
        """
        if task is not None and task not in self.model.tasks:
            raise ConfigError(unknown("task", task, self.model.tasks))
        state = ranks().at_first(lambda: self._chosen(task))
        load_state(self.model, state, "the best weights")

    def _chosen(self, task: str | None) -> dict[str, Any]:
        self._writer.wait()
        state = self._read(task)
        if self.best == "each":
            whole = self._read(None)
            own = self.model.tasks if task is None else [task]
            state = {k: v for each in own for k, v in self._read(each).items()}
            state = whole | state
        return state

    def _keep(self, task: str | None, state: dict[str, Any]) -> None:
        if not ranks().first:
            return
        if self.run is None:
            self._kept[task] = copy.deepcopy(state)
        else:
            self._writer.write(self.run / file_of(task), {"model": state})

    def _read(self, task: str | None) -> dict[str, Any]:
        if self.run is not None:
            state: dict[str, Any] = read_checkpoint(self.run / file_of(task))["model"]
            return state
        if task not in self._kept:
            raise CheckpointError(
                f"no weights were kept for {'all' if task is None else repr(task)}. Train with "
                "validation data, and best='kept' for those of each task."
            )
        return self._kept[task]


def file_of(task: str | None) -> str:
    """Returns the file of a task's best weights in a run folder; of None, of those for all.

    Example:
        >>> file_of("depth"), file_of(None)
        ('checkpoints/best-depth.pt', 'checkpoints/best.pt')
    """
    if task is None:
        return folder.BEST
    name = quote(task, safe=" ")
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}-{hashlib.sha256(task.encode()).hexdigest()[:16]}"
    return folder.BEST.replace(".pt", f"-{name}.pt")


def check_separate(model: MultiTaskModel) -> None:
    """Refuses a model in which the predictions of two tasks depend on the same weights.

    Raises:
        ConfigError: the sharing is not `Separate`, connections lead from one network to another, or
            tasks have parameters in common.
    """
    way = (
        "Use sharing=Separate without them, or best='kept', which keeps the weights of each task's "
        "best epoch beside those that are best for all."
    )
    found, connections = "", model.flow.connections
    leading = [*connections.stage, *connections.forward, *connections.entering]
    if not isinstance(model.sharing, Separate):
        found = f"{type(model.sharing).__name__} shares weights"
    elif leading:
        found = f"{type(leading[0]).__name__} leads from one network to another"
    else:
        for name, tasks in model.roles().items():
            if len(tasks) > 1:
                found = f"tasks {', '.join(sorted(tasks))} have {name} in common"
                break
    if found:
        raise ConfigError(f"best='each' needs a network of its own for each task; {found}. {way}")


def _own(task: str) -> tuple[str, ...]:
    """Returns the beginnings of the names of a task's own weights."""
    key = safe_key(task)
    return f"sharing.encoders.{key}.", f"heads.{key}.", f"early_heads.{key}."
