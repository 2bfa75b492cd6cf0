"""All that training has to remember to go on as if it had never stopped."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from plait.core.errors import CheckpointError
from plait.model.folder import load_state
from plait.training.randomness import from_plain, random_state, restore, to_plain

if TYPE_CHECKING:
    from plait.training.trainer import Trainer


@dataclass
class State:
    """Where the training is.

    Attributes:
        epoch: epochs that are finished.
        step: optimizer steps taken.
        batch: batches of the current epoch that are used.
        best_score: the best score of the rule so far.
        best_epoch: the epoch (from 1) that reached it; 0 for none.
        best_metrics: `{task: {metric: value}}` of that epoch.
        seconds: time spent in training and evaluation, also in earlier processes.
        seen: `{task: mass of the labels of the first epoch}`.
        warned: the gates that have collapsed so far.
    """

    epoch: int = 0
    step: int = 0
    batch: int = 0
    best_score: float = float("-inf")
    best_epoch: int = 0
    best_metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float = 0.0
    seen: dict[str, float] = field(default_factory=dict)
    warned: list[str] = field(default_factory=list)


def snapshot(trainer: Trainer, *, log_size: int) -> dict[str, Any]:
    """Returns the whole state of a training, loadable with ``weights_only=True``."""
    return {
        "tasks": list(trainer.model.tasks),
        "balancer_class": type(trainer.balancer).__name__,
        "state": asdict(trainer.state),
        "model": trainer.model.state_dict(),
        "balancer": trainer.balancer.state_dict(),
        "backward": trainer.backward.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "scheduler": None if trainer.scheduler is None else trainer.scheduler.state_dict(),
        "statistics": trainer.statistics,
        "random": to_plain(random_state(trainer.device)),
        "log_size": log_size,
    }


def load_snapshot(trainer: Trainer, saved: dict[str, Any]) -> None:
    """Puts a training into the state of a snapshot; the log is cut back to that moment.

    Raises:
        CheckpointError: it is of other tasks, another balancer or another model.
    """
    source = "the checkpoint"
    expected = {
        "tasks": list(trainer.model.tasks),
        "balancer_class": type(trainer.balancer).__name__,
    }
    for key, value in expected.items():
        if saved.get(key) != value:
            raise CheckpointError(
                f"{source} was made with {key.replace('_class', '')} {saved.get(key)}; this run "
                f"has {value}. Resume with the options of the first run."
            )
    if (saved["scheduler"] is None) != (trainer.scheduler is None):
        raise CheckpointError(
            f"{source} and this run do not both have a scheduler. Resume with the same options."
        )
    load_state(trainer.model, saved["model"], source)
    trainer.balancer.load_state_dict(saved["balancer"])
    trainer.backward.load_state_dict(saved["backward"])
    try:
        trainer.optimizer.load_state_dict(saved["optimizer"])
    except ValueError as error:
        raise CheckpointError(f"{source} was made with another optimizer: {error}.") from None
    if trainer.scheduler is not None:
        trainer.scheduler.load_state_dict(saved["scheduler"])
    trainer.state = State(**saved["state"])
    trainer.statistics = dict(saved["statistics"])
    trainer.log.truncate(int(saved["log_size"]))
    restore(from_plain(saved["random"]), trainer.device)
