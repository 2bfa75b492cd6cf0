"""Trained parameters, which are balanced, and the other leaves that the losses reach."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor, nn

from plait.engine.given import check_names
from plait.engine.shards import check_known
from plait.gradients import kinds_of, leaves, reached_by, roots

REENTRANT = "CheckpointFunctionBackward"  # of torch and of libraries with one of their own


class Trained:
    """Tells what is trained from what merely needs a gradient, across the steps of one training.

    Without a model the graph tells: parameters (`nn.Parameter`) are trained, and plain tensors are
    inputs whose gradient is wanted (collocation points, atom positions, learned inputs). Where no
    parameter is reached, the plain tensors are what is trained.

    With a model its parameters are. The graph is then walked when a task comes for the first time,
    and in each step once something outside of the model was reached.
    """

    def __init__(self) -> None:
        self.looked: set[str] = set()  # tasks whose graph was walked
        self.outside = False  # whether something outside of the model was reached
        self.warned = False
        self.reentrant = False  # whether a graph had a reentrant checkpoint

    def __call__(
        self,
        losses: Mapping[str, Tensor],
        cut: Iterable[Tensor],
        named: Iterable[Tensor],
        model: Sequence[nn.Parameter] | None,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the candidates for balancing, and the other leaves that need a gradient.

        Args:
            losses: `{task: scalar}`.
            cut: tensors where the graph goes on below the losses; none without a `Cut`.
            named: tensors that the caller says are trained, such as shared ones.
            model: the parameters of the model that need a gradient; None without a model.
        """
        new = not self.looked.issuperset(losses)
        if new:
            check_names(losses)
            self.looked.update(losses)
            names = {kind.__name__ for kind in kinds_of(roots(losses))}
            self.reentrant = self.reentrant or REENTRANT in names
        if model is None:
            found = [leaf for leaf in leaves([*roots(losses), *cut]) if leaf.requires_grad]
            check_known(found if new else ())
            parameters = {id(leaf) for leaf in found if isinstance(leaf, nn.Parameter)}
            if not parameters:
                return found, []
            wanted = parameters.union(map(id, named))
            trained = [leaf for leaf in found if id(leaf) in wanted]
            return trained, [leaf for leaf in found if id(leaf) not in wanted]
        others: list[Tensor] = []
        if self.outside or new:
            inside = {*map(id, model), *map(id, named)}
            found = leaves([*roots(losses), *cut])
            others = [leaf for leaf in found if leaf.requires_grad and id(leaf) not in inside]
            self.outside = self.outside or bool(others)
            self._warn(losses, others)
        return [*model], others

    def _warn(self, losses: Mapping[str, Tensor], others: Sequence[Tensor]) -> None:
        """Warns once of parameters outside of the model."""
        outside = {id(leaf) for leaf in others if isinstance(leaf, nn.Parameter)}
        if self.warned or not outside:
            return
        self.warned = True
        reaching = [tasks for leaf, tasks in reached_by(losses) if id(leaf) in outside]
        names = ", ".join(dict.fromkeys(repr(task) for tasks in reaching for task in tasks))
        warnings.warn(
            f"the losses of {names or 'the tasks'} reach {len(outside)} parameters outside of "
            "`model`; they get the gradient of the plain sum of the losses and are not balanced. "
            "If they are trained with the model, give a module that holds them too; if they are "
            "another network's (a discriminator), freeze them in this step.",
            stacklevel=6,
        )
