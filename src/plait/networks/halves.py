"""A stage as two halves, up to its activation and from it on; and the blocks that stages form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from plait.networks.stages import Stage, is_chain, run_all, run_stage

Shift = Callable[[Any], Tensor]  # from a value in a network to what is added to it
ACTIVATIONS = (nn.PReLU,)  # those that have parameters
NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


def halves(stage: Stage) -> tuple[list[Stage], list[Stage]]:
    """Returns the parts of a stage up to its last parameter, and those after it.

    The second half is what is applied to the pre-activation: activation (one with parameters as
    well), pooling. Sequences within the stage are taken apart. A stage that is no `nn.Sequential`,
    or that ends in another module with parameters, has no second half; one without any parameter
    has no first.

    Example:
        >>> block = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
        >>> [[type(part).__name__ for part in half] for half in halves(block)]
        [['Conv2d', 'BatchNorm2d'], ['ReLU', 'MaxPool2d']]
    """
    parts = list(_parts(stage))
    ends = [i + 1 for i, part in enumerate(parts) if _ends_first_half(part)]
    end = ends[-1] if ends else 0
    return parts[:end], parts[end:]


def _parts(stage: Stage) -> Iterator[Stage]:
    """Yields what a stage applies in turn; a sequence with a `forward` of its own is one part."""
    if is_chain(stage):
        for part in stage:
            yield from _parts(part)
    else:
        yield stage


def _ends_first_half(part: Stage) -> bool:
    return owns_parameters(part) and not isinstance(part, ACTIVATIONS)


def owns_parameters(stage: Stage) -> bool:
    """Returns whether a stage has parameters (a function has none)."""
    return isinstance(stage, nn.Module) and any(True for _ in stage.parameters())


def run_shifted(stage: Stage, hidden: Any, mask: Tensor | None, shift: Shift | None) -> Any:
    """Runs a stage with something added to its value before the activation.

    Args:
        stage: the stage.
        hidden: its input.
        mask: the padding mask, if there is one.
        shift: from that value to what is added, in its shape or one that broadcasts to it; None
            runs the plain stage.
    """
    if shift is None:
        return run_stage(stage, hidden, mask)
    before, after = halves(stage)
    body = run_all(before, hidden, mask)
    return run_all(after, body + shift(body), mask)


def ends_of_blocks(stages: Sequence[Stage]) -> list[int]:
    """Returns the stages after which a new block begins, and the last one.

    A block begins with a stage that has parameters, beside those of normalisation and activations,
    and goes on with the stages that have none: a linear layer and its activation are one block even
    where each is a stage. What comes before the first such stage belongs to the first block.

    Example:
        >>> ends_of_blocks([nn.Flatten(), nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU()])
        [2, 4]
    """
    begins = [i for i, stage in enumerate(stages) if _begins_block(stage)]
    return [*(i - 1 for i in begins[1:]), len(stages) - 1]


def entrance(stages: Sequence[Stage]) -> int:
    """Returns the stage that maps the input: the first that begins a block, else the first of all.

    Example:
        >>> entrance([nn.Flatten(), nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3)])
        1
    """
    return next((i for i, stage in enumerate(stages) if _begins_block(stage)), 0)


def _begins_block(stage: Stage) -> bool:
    return isinstance(stage, nn.Module) and any(
        not isinstance(part, (*ACTIVATIONS, *NORMS)) and any(True for _ in part.parameters(False))
        for part in stage.modules()
    )
