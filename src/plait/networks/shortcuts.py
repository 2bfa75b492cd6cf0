"""Residual blocks: the parts of an encoder that can be skipped, and their shortcuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from plait.networks.blocks import block_shapes, blocks_of
from plait.networks.halves import owns_parameters
from plait.networks.stages import Stage, is_chain, run_all, run_stage, unmasked

_NOTHING = object()


@dataclass(frozen=True)
class Unit:
    """A piece of an encoder that is run, or skipped.

    Attributes:
        stages: one after the other.
        shortcut: what stands in for them; None for a piece that cannot be skipped.
    """

    stages: Sequence[Stage]
    shortcut: Stage | None

    def run(self, hidden: Any, mask: Tensor | None) -> Any:
        """Runs the piece."""
        return run_all(self.stages, hidden, mask)

    def skip(self, hidden: Any, mask: Tensor | None) -> Any:
        """Runs the shortcut alone."""
        assert self.shortcut is not None
        return hidden if self.shortcut is _identity else run_stage(self.shortcut, hidden, mask)


def shortcut_of(stage: Stage, attribute: str = "shortcut") -> Stage | None:
    """Returns the shortcut that a residual block declares; None if it declares none.

    A residual block is a module `act(R(x) + F(x))` with R as its attribute `shortcut`: a module, or
    None where R is the identity.

    Args:
        stage: any module or function.
        attribute: its name for the shortcut, such as "downsample" in the nets of torchvision.
    """
    declared: Any = (
        getattr(stage, attribute, _NOTHING) if isinstance(stage, nn.Module) else _NOTHING
    )
    if declared is _NOTHING:
        return None
    found: Stage = _identity if declared is None else declared
    return found


def units_of(
    encoder: nn.Module, attribute: str = "shortcut", kept: Sequence[int] = ()
) -> list[list[Unit]]:
    """Returns the pieces of each block of an encoder, in order.

    They are its residual blocks, to any depth of `nn.Sequential`, and what is between them. In an
    encoder that declares none, they are its blocks, and those that keep the shape of their input
    can be skipped by the identity.

    Args:
        encoder: any module.
        attribute: the residual blocks' name for their shortcut.
        kept: the positions of the blocks that keep the shape, of `blocks_that_keep_shape`.
    """
    blocks = blocks_of(encoder)
    units = [[unit for stage in block for unit in _units(stage, attribute)] for block in blocks]
    if any(unit.shortcut is not None for block in units for unit in block):
        return units
    return [
        [Unit(block, _identity if position in kept else None)]
        for position, block in enumerate(blocks)
    ]


def blocks_that_keep_shape(encoder: nn.Module, example: Any) -> list[int]:
    """Returns the positions of the blocks with parameters whose output is shaped as their input.

    Args:
        encoder: any module.
        example: a batch of inputs; only shapes and dtypes matter.
    """
    values, _ = unmasked(example, encoder)
    floats = isinstance(values, Tensor) and values.is_floating_point()
    left = block_shapes(encoder, example).levels
    entered = [tuple(values.shape[1:]) if floats else None, *left[:-1]]
    return [
        position
        for position, block in enumerate(blocks_of(encoder))
        if entered[position] == left[position] and any(map(owns_parameters, block))
    ]


def _units(stage: Stage, attribute: str) -> list[Unit]:
    shortcut = shortcut_of(stage, attribute)
    if shortcut is None and is_chain(stage):
        inner = [unit for child in stage for unit in _units(child, attribute)]
        if any(unit.shortcut is not None for unit in inner):
            return inner
    return [Unit([stage], shortcut)]


def _identity(hidden: Any) -> Any:
    return hidden
