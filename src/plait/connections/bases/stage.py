"""Connections between the stages of the tasks' networks."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence

from torch import Tensor

from plait.connections.base import Connection
from plait.connections.edges.wiring import Wiring
from plait.core.errors import ShapeError
from plait.core.outputs import Outputs, Term


class StageConnection(Connection, ABC):
    """Acts between the stages of the tasks' networks, inside `sharing.Separate`.

    For each stage, `add` is asked first for the tasks for which `reads_before` names others; then
    `mix` gets the outputs of the stage. With inputs that differ by task, all networks that a task
    needs read its input. Override what the connection does; the rest changes nothing.
    """

    def setup(self, wiring: Wiring) -> None:
        """Checks the edges, and that the networks which they join have as many stages.

        Raises:
            ShapeError: joined networks have different numbers of stages.
        """
        super().setup(wiring)
        joined = {task: len(wiring.shapes[task].levels) for task in self.joined()}
        if len(set(joined.values())) > 1:
            raise ShapeError(
                f"{type(self).__name__} joins networks stage by stage, which need equal numbers of "
                f"stages; found {joined}. Group them alike: `as_staged(network, cuts=[...])`."
            )

    def add(self, stage: int, task: str, hidden: Mapping[str, Tensor], body: Tensor) -> Tensor:
        """Returns the addend for a stage's value before its activation, in the shape of `body`.

        Args:
            stage: number of the stage, from 1 (the first reads the input).
            task: whose stage it is; `reads_before` is not empty for it.
            hidden: `{task: output of the stage before}` of the task and those that it reads.
            body: the value to which it is added.
        """
        raise NotImplementedError

    def mix(
        self, stage: int, outputs: Mapping[str, Tensor], tasks: Sequence[str]
    ) -> dict[str, Tensor]:
        """Returns the outputs of a stage after the exchange.

        Args:
            stage: number of the stage, from 0.
            outputs: `{task: output}` of the tasks that run this stage: `tasks`, and those that
                these read.
            tasks: the tasks whose outputs are wanted.
        """
        return {task: outputs[task] for task in tasks}

    def finish(self, outputs: Mapping[str, Sequence[Tensor]]) -> dict[str, tuple[Tensor, ...]]:
        """Returns the levels that each wanted task reads, from its stage outputs after mixing."""
        return {task: tuple(levels) for task, levels in outputs.items()}

    def reads_before(self, stage: int, task: str) -> tuple[str, ...]:
        """Returns the other tasks whose stage `stage - 1` the `add` of this stage reads."""
        return ()

    def reads_beside(self, stage: int, task: str) -> tuple[str, ...]:
        """Returns the other tasks whose stage `stage` the `mix` of this stage reads."""
        return ()

    def term(self) -> Term | None:
        """Returns a term of the parameters, raw and scaled; None if there is none."""
        return None

    def terms(self, outputs: Outputs) -> dict[str, Term]:
        """Returns `{"Sluice": term}`; empty if there is no term."""
        term = self.term()
        return {} if term is None else {type(self).__name__: term}
