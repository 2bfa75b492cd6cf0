"""The options of the Trainer: each one's type, range and default, written once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from plait.core.options import Above, AtLeast, check_options
from plait.core.reduction import Reduction

Precision = Literal["fp32", "bf16"]
Parallel = Literal["auto", "replicate", "shard", "hybrid"]
Best = Literal["all", "each", "kept"]


@dataclass(frozen=True)
class TrainerOptions:
    """Arguments of `plait.Trainer`, which says what they do."""

    epochs: Annotated[int, AtLeast(1)] = 10
    minutes: Annotated[float, Above(0)] | None = None
    device: str = "auto"
    precision: Precision = "fp32"
    parallel: Parallel = "auto"
    accumulate: Annotated[int, AtLeast(1)] = 1
    reduction: Reduction = "task"
    clip: Annotated[float, Above(0)] | None = None
    seed: Annotated[int, AtLeast(0)] = 0
    rule: str | Callable[..., float] = "skill"
    all_right: dict[str, list[str]] | None = None
    best: Best = "all"
    start_counts: bool = False
    patience: Annotated[int, AtLeast(1)] | None = None
    first_steps: Annotated[int, AtLeast(0)] = 20
    measure_every: Annotated[int, AtLeast(0)] = 0
    log_every: Annotated[int, AtLeast(1)] = 20
    checkpoint_every: Annotated[int, AtLeast(1)] | None = None
    async_save: bool = False

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class GroupOptions:
    """Arguments of `plait.Trainer` that each group of its optimizer starts from."""

    lr: Annotated[float, Above(0)] = 1e-3
    weight_decay: Annotated[float, AtLeast(0)] = 0.0

    def __post_init__(self) -> None:
        check_options(self)
