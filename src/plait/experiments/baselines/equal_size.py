"""Single-task networks that have, all together, as many parameters as the joint network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from plait.core.errors import ConfigError
from plait.encoders import Stems
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.baselines.widths import described_encoder, narrowed, widest
from plait.experiments.build import Problem, open_problem
from plait.experiments.build.loaders import build_loaders, example_of
from plait.experiments.build.model import build_encoder, build_model
from plait.experiments.config import RunConfig, validate

NEAR = 0.1  # share of the parameters by which the sizes may differ
LARGEST = 8  # times the width, for a joint network of many encoders or experts
MULTIPLES = 8  # of which a width may have to be one, as for the heads of a transformer


@dataclass(frozen=True)
class EqualSize:
    """Settings with which the single-task networks are as large, together, as the joint network.

    Attributes:
        settings: of the encoder, to be laid on those of a single-task run.
        width: units of its widest layer.
        full_width: units of the widest layer in the joint network.
        parameters: of all single-task networks together, their heads included.
        joint: of the joint network.
    """

    settings: dict[str, Any]
    width: int
    full_width: int
    parameters: int
    joint: int

    @property
    def sentence(self) -> str:
        """Says what was reached."""
        return (
            f"each encoder is {self.width} units wide in place of {self.full_width}; all networks "
            f"together have {self.parameters:,} parameters, {self.parameters / self.joint:.0%} of "
            f"the joint network's {self.joint:,}"
        )


def equal_size(config: RunConfig, *, problem: Problem | None = None) -> EqualSize | NoRow:
    """Finds the width at which all single-task networks together are as large as the joint network.

        argmin_w | sum_t (encoder(w) + head_t(w)) - joint |,    in parameters

    The widths of all layers are scaled by one factor and rounded, at least to 1.

    Args:
        config: the settings of the joint network.
        problem: the data that were opened for it; opened here by default.

    Returns:
        The settings; or the reason where the encoder has no `width` or `widths`, or where no width
        comes within 10 % of the joint network's size.

    Raises:
        ConfigError: settings that make no sense.
        DataError: data that are missing or break their rules.

    Cost: some ten networks are built; none is trained.
    """
    problem = problem or open_problem(config)
    tasks = problem.tasks(config.tasks)
    encoder = build_encoder(config, problem)
    described = None if isinstance(encoder, Stems) else described_encoder(config.encoder, encoder)
    full = widest(described or {})
    if described is None or full == 0:
        return NoRow("the encoder has no width.")
    loaders = build_loaders(config, problem.splits(tasks), tasks)
    example = example_of(loaders["val"], encoder)
    joint = _parameters(build_model(config, encoder, tasks, example))
    alone = {"sharing": "Hard", "regularization": None, "connections": None}

    def together(width: int) -> int | None:
        """Counts the parameters of all single-task networks; None for a width that cannot be."""
        own = {**alone, "encoder": narrowed(described, width, full)}
        narrow = validate({**config.described(), **own})
        try:
            trunk = build_encoder(narrow, problem)
            model = build_model(narrow, trunk, problem.tasks(config.tasks), example)
        except ConfigError:  # such as a width that is no multiple of the number of heads
            return None
        return _parameters(model) + (len(tasks) - 1) * _parameters(model.sharing)

    sizes = _around(joint, together, full)
    width = min(sizes, key=lambda each: abs(sizes[each] - joint), default=0)
    if not width or abs(sizes[width] - joint) > NEAR * joint:
        nearest = f": {sizes[width] / joint:.0%} with {width} units" if width else ""
        return NoRow(
            "no width of the encoder makes the single-task networks together as large as the joint "
            f"network{nearest}."
        )
    settings = {"encoder": narrowed(described, width, full)}
    return EqualSize(settings, width, full, sizes[width], joint)


def _around(wanted: int, size: Callable[[int], int | None], full: int) -> dict[int, int]:
    """Returns sizes by width, among them those next to the wanted one; a size grows with width."""
    sizes: dict[int, int] = {}

    def nearest(width: int, step: int) -> int:
        """Returns the size at the first width from here on, up or down, that can be built."""
        for each in range(width, max(width + step * MULTIPLES, 0), step):
            found = sizes[each] if each in sizes else size(each)
            if found is not None:
                sizes[each] = found
                return found
        return 0

    low, high = 1, full
    while nearest(high, -1) < wanted and high < LARGEST * full:
        low, high = high, 2 * high
    while low < high:  # the widest that is not too large
        middle = (low + high + 1) // 2
        low, high = (middle, high) if nearest(middle, -1) <= wanted else (low, middle - 1)
    nearest(low, -1)
    nearest(low + 1, 1)
    return sizes


def _parameters(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())
