"""Gates: from the part of an input that they read to the weights of experts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, ShapeError, unknown
from plait.sharing.experts.blend import Blend, Made

GateInput = Literal["auto", "input", "features", "task"]
START = 0.05  # free logits begin in [-START, START]


@dataclass(frozen=True)
class GateReads:
    """The input of a gate: its source and width.

    Attributes:
        source: "nothing"; "flat", the flattened input; "pooled", the input pooled over its
            positions; or "experts", the mean over the gate's experts of their pooled outputs.
        width: d, the length of the vector that it reads.

    What is pooled is divided by sqrt(d). Activations are mostly of one sign, so that all weights of
    a gate move together, and it would choose one expert for good in some ten steps.
    """

    source: Literal["nothing", "flat", "pooled", "experts"]
    width: int = 0

    def of(self, entering: Any, blend: Blend | None) -> Tensor | None:
        """Returns the vectors `[B, width]`; None for nothing.

        Args:
            entering: what the experts read.
            blend: what they made of it; only "pooled" and "experts" look at it.
        """
        if self.source == "nothing":
            return None
        if self.source == "flat":
            flat: Tensor = entering.flatten(1)
            return flat
        assert blend is not None
        like = blend.made[0]
        pooled = self.source == "pooled"
        read = Made(entering, like.channel_dim, like.mask).pooled() if pooled else blend.mean()
        return read / math.sqrt(self.width)


def reads_of(
    gate_input: GateInput,
    entering: Any,
    made: int,
    channels: int | None = None,
    *,
    coded: bool = False,
) -> GateReads:
    """Chooses the input of a gate, for inputs like `entering`.

    Args:
        gate_input: "input" flattens one tensor of floats, "features" is the mean over the experts,
            "task" nothing. "auto" is an input of vectors `[B, d]` as it is; of other inputs it is
            "features" where they are the raw ones, and behind a level their mean over
            positions. Rows of a table are raw, though they are vectors.
        entering: an example of what the experts read.
        made: the number of channels of what they make of it.
        channels: that of `entering`, if it comes from a level.
        coded: whether the raw inputs are codes that only the encoder can read.

    Raises:
        ConfigError: "input" of something that is not one tensor of floats, or of codes.
    """
    if gate_input == "task":
        return GateReads("nothing")
    floats = isinstance(entering, Tensor) and entering.is_floating_point() and entering.dim() >= 2
    if gate_input == "input" and not floats:
        found = f"{entering.dtype}" if isinstance(entering, Tensor) else type(entering).__name__
        raise ConfigError(
            f"`gate_input`='input' flattens one tensor of floats; the input is {found}. Use "
            "'features' or 'task'."
        )
    coded = coded and channels is None
    if gate_input == "input" and coded:
        raise ConfigError(
            "`gate_input`='input' reads the rows of the table as they are: codes, numbers of any "
            "size, NaN where one is missing. Use 'features' or 'task'."
        )
    if gate_input == "input" or (
        gate_input == "auto" and floats and entering.dim() == 2 and not coded
    ):
        return GateReads("flat", math.prod(entering.shape[1:]))
    if gate_input == "auto" and channels is not None:
        return GateReads("pooled", channels)
    return GateReads("experts", made)


def common_reads(all_reads: Mapping[str, GateReads], method: str) -> GateReads:
    """Returns the one input of a gate for all tasks; raises `ShapeError` if they differ.

    Args:
        all_reads: `{task: what it would read of that task's input}`.
        method: the name for the message.
    """
    first, *others = all_reads
    for task in others:
        if all_reads[task] != all_reads[first]:
            raise ShapeError(
                f"a gate of {method} reads the inputs of all tasks: {all_reads[first].width} "
                f"numbers of task {first!r}, but {all_reads[task].width} of {task!r}. Use "
                "gate_input='features' or 'task'."
            )
    return all_reads[first]


class Logits(nn.Module):
    """Maps the vector that a gate reads to logits; a gate that reads nothing has free ones.

        a = G r + b,    or, for a gate that reads nothing, parameters of its own

    Args:
        outputs: how many.
        reads: the part of the input that the gate reads.
        hidden: widths of layers with ReLU before the last one, which then has no bias.

    Shapes: `[B, width]` to `[B, outputs]`; nothing to `[outputs]`.
    """

    def __init__(self, outputs: int, reads: GateReads, hidden: Sequence[int] = ()) -> None:
        super().__init__()
        self.reads = reads
        self.free: nn.Parameter | None = None
        self.layers: nn.Sequential | None = None
        if reads.source == "nothing":
            self.free = nn.Parameter(torch.empty(outputs).uniform_(-START, START))
            return
        sizes = [reads.width, *hidden]
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], outputs, bias=not hidden))

    def forward(self, read: Tensor | None) -> Tensor:
        """Returns the logits of a vector that was read; the free ones for None."""
        logits: Tensor | None = self.free if self.layers is None else self.layers(read)
        assert logits is not None
        return logits


class Gate(Logits):
    """Softmax weights of experts: not negative, and 1 in sum."""

    def weights(self, entering: Any, blend: Blend) -> Tensor:
        """Returns the weights `[B, E]`, or `[E]` from a gate that reads nothing."""
        return torch.softmax(self(self.reads.of(entering, blend)), dim=-1)


def checked_gate(gate_input: str, gate_hidden: Sequence[int]) -> None:
    """Raises `ConfigError` for options `gate_input` and `gate_hidden` that do not fit."""
    if gate_input not in get_args(GateInput):
        raise ConfigError(unknown("gate_input", gate_input, get_args(GateInput)))
    if any(not isinstance(width, int) or width < 1 for width in gate_hidden):
        raise ConfigError(
            f"`gate_hidden` must be widths of layers, each at least 1; found {[*gate_hidden]}."
        )
    if gate_hidden and gate_input == "task":
        raise ConfigError(
            "a gate with `gate_input`='task' reads nothing, so that its hidden layers would have "
            "no input. Leave `gate_hidden` empty, or choose another `gate_input`."
        )
