"""Traits of a method that help to choose it, read from its class."""

from __future__ import annotations

from dataclasses import dataclass

from plait.balancing.base import Balancer
from plait.balancing.bases.in_turn import InTurnBalancer
from plait.core.docstrings import part_of, summary_of

READS = {
    "losses": "losses",
    "gramian": "Gramian",
    "jacobian": "rows",
    "problem": "losses after a look-ahead step",
}


@dataclass(frozen=True)
class Traits:
    """Sums up a method for whoever has to choose one.

    Attributes:
        summary: the first line of its docstring.
        reads: losses, the Gramian of the tasks' gradients, their rows, or a look-ahead.
        passes: backward passes in a step, with T tasks.
        memory: memory beside the gradients, with T tasks and P shared parameters.
        needs: requirements that not every training loop meets; empty if there are none.
        paper: reference to the paper.
        differs: departures from the paper or the authors' code; empty if there are none.
        cost: the part "Cost" of its docstring.
    """

    summary: str
    reads: str
    passes: str
    memory: str
    needs: str
    paper: str
    differs: str
    cost: str


def traits(method: type[Balancer]) -> Traits:
    """Returns the traits of a method with its default options.

    Example:
        >>> from plait.balancing import UPGrad
        >>> found = traits(UPGrad)
        >>> found.reads, found.passes, found.memory
        ('Gramian', 'T, or T half ones and 1', '[T, P], or none by layers')
    """
    balancer = method()
    return Traits(
        summary=summary_of(method),
        reads=READS[balancer.reads],
        passes=_passes(balancer),
        memory=_memory(balancer),
        needs=", ".join(_needs(balancer)),
        paper=part_of(method, "Reference"),
        differs=part_of(method, "Differs"),
        cost=part_of(method, "Cost"),
    )


def _passes(balancer: Balancer) -> str:
    if balancer.reads == "losses":
        return "1"
    if balancer.reads == "problem":
        return "more than T"
    if balancer.at == "last layer":
        return "T through the heads, and 1"
    if isinstance(balancer, InTurnBalancer):
        return f"{balancer.tasks_per_step}, and 1 through the heads"
    if balancer.batches > 1:
        return f"{balancer.batches} T"
    return "T, or T half ones and 1" if balancer.reads == "gramian" else "T"


def _memory(balancer: Balancer) -> str:
    if balancer.reads == "losses":
        return "none"
    if balancer.reads == "problem":
        return "[T, P] during the look-ahead"
    if balancer.at == "last layer":
        return "T gradients of that layer"
    if balancer.reads == "gramian" and balancer.batches == 1:
        return "[T, P], or none by layers"
    buffers = balancer.row_buffers
    if not isinstance(balancer, InTurnBalancer):  # which has fresh rows of few tasks
        buffers += balancer.batches
    return "[T, P]" if buffers == 1 else f"{buffers} x [T, P]"


def _needs(balancer: Balancer) -> list[str]:
    needs = {
        "losses of at least 0": balancer.positive_losses,
        "the losses again after the step": balancer.rereads,
        f"{balancer.batches} batches": balancer.batches > 1,
        "the number of the epoch": balancer.reads_epochs,
        "its weights in the optimizer": balancer.learns,
    }
    return [need for need, needed in needs.items() if needed]
