"""The staged view of an encoder: modules whose composition is the encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, ShapeError, suggest
from plait.core.features import Features
from plait.core.structure import Masked, map_tensors, tensors

Stage = Callable[..., Any]


def stages_of(encoder: nn.Module) -> list[Stage]:
    """Returns the stages of any module, in order; their composition is the module.

    A module that has an attribute `stages` is staged by it, an `nn.Sequential` by its children, and
    any other module is one stage. This is the only place where plait looks at what a module has.

    Example:
        >>> from torch import nn
        >>> len(stages_of(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))), len(stages_of(nn.Linear(2, 3)))
        (2, 1)
    """
    stages = getattr(encoder, "stages", None)
    if stages is not None:
        return list(stages)
    if isinstance(encoder, nn.Sequential):
        return list(encoder)
    return [encoder]


def channel_dim_of(encoder: nn.Module) -> int:
    """Returns the encoder's `channel_dim` (1, or -1 for tokens); 1 if it does not say."""
    channel_dim = getattr(encoder, "channel_dim", 1)
    if channel_dim not in (1, -1):
        raise ConfigError(
            f"`channel_dim` of {type(encoder).__name__} must be 1 or -1 (tokens); found {channel_dim!r}."
        )
    return int(channel_dim)


def encode(encoder: nn.Module, inputs: Any) -> Features:
    """Runs the encoder stage by stage and keeps every stage's output.

    Args:
        encoder: any module. A stage that declares ``masked = True`` is given the padding mask.
        inputs: a tensor, any structure, or `Masked(values, mask)`.

    Returns:
        Features whose `levels` are the stage outputs, finest first.

    Raises:
        ShapeError: a stage returns something other than one tensor.
    """
    hidden, mask = (inputs.values, inputs.mask) if isinstance(inputs, Masked) else (inputs, None)
    levels = []
    for position, stage in enumerate(stages_of(encoder)):
        masked = mask is not None and getattr(stage, "masked", False)
        hidden = stage(hidden, mask=mask) if masked else stage(hidden)
        if not isinstance(hidden, Tensor):
            raise ShapeError(
                f"stage {position} of {type(encoder).__name__} must return one tensor; found "
                f"{type(hidden).__name__}. Adapt it with `as_staged`, naming a part that returns one."
            )
        levels.append(hidden)
    return Features(tuple(levels), channel_dim_of(encoder), mask, _grid(inputs))


def _grid(inputs: Any) -> tuple[int, int] | None:
    """Returns height and width where the input is one image tensor `[B, C, H, W]`."""
    if isinstance(inputs, Tensor) and inputs.dim() == 4:
        return int(inputs.shape[2]), int(inputs.shape[3])
    return None


class Staged(nn.Module):
    """A module with a staged view of it; made by `as_staged`.

    The view holds no parameters of its own: a deep copy copies the module once, with tied weights.
    """

    def __init__(self, module: nn.Module, parts: Sequence[str | Stage], channel_dim: int) -> None:
        super().__init__()
        self.module = module
        self.parts = list(parts)
        self.channel_dim = channel_dim

    @property
    def stages(self) -> list[Stage]:
        """The named parts of the module, and the given functions, in order."""
        return [self.module.get_submodule(p) if isinstance(p, str) else p for p in self.parts]

    def forward(self, inputs: Any) -> Any:
        """Applies the stages in order."""
        return encode(self, inputs).levels[-1]


def as_staged(
    module: nn.Module,
    parts: Sequence[str | Stage] | None = None,
    *,
    cuts: Sequence[int] | None = None,
    channel_dim: int = 1,
    example: Any = None,
) -> nn.Module:
    """Gives any module a staged view.

    Args:
        module: the module to adapt; it is used, not copied.
        parts: dotted names of sub-modules, or callables such as `torch.flatten`, in the order in
            which the module applies them.
        cuts: for an `nn.Sequential` in place of `parts`: group its children, with a cut after each of
            these numbers of children; ``cuts=[2, 4]`` on six children gives three stages of two.
        channel_dim: axis of the channels in the stage outputs, 1 or -1 (tokens).
        example: a batch of inputs; if given, the composed stages are run on it against the module
            itself, in eval mode, and must agree exactly.

    Raises:
        ConfigError: a name is no sub-module, or both or neither of `parts` and `cuts` are given.
        ShapeError: on `example` the composition differs from the module.

    Example:
        >>> from torch import nn
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())
        >>> len(stages_of(as_staged(net, cuts=[2])))
        2
    """
    if (parts is None) == (cuts is None):
        raise ConfigError("`as_staged` takes `parts` or `cuts`, one of the two.")
    if cuts is not None:
        return _grouped(module, cuts)
    assert parts is not None
    known = [name for name, _ in module.named_modules() if name]
    for part in parts:
        if isinstance(part, str) and part not in known:
            raise ConfigError(
                f"{type(module).__name__} has no part {part!r}.{suggest(part, known)}"
            )
    staged = Staged(module, parts, channel_dim)
    if example is not None:
        _verify(module, staged, example)
    return staged


def _grouped(module: nn.Module, cuts: Sequence[int]) -> nn.Sequential:
    if not isinstance(module, nn.Sequential):
        raise ConfigError(
            f"`cuts` groups the children of an nn.Sequential; found {type(module).__name__}."
        )
    bounds = [0, *cuts, len(module)]
    if bounds != sorted(set(bounds)):
        raise ConfigError(f"`cuts` must rise within 1..{len(module) - 1}; found {list(cuts)}.")
    return nn.Sequential(*(module[a:b] for a, b in zip(bounds, bounds[1:], strict=False)))


def _verify(module: nn.Module, staged: Staged, example: Any) -> None:
    training = module.training
    module.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            whole, composed = module(example), staged(map_tensors(lambda x: x, example))
    finally:
        module.train(training)
    pairs = zip(tensors(whole), tensors(composed), strict=False)
    if not all(a.shape == b.shape and torch.equal(a, b) for a, b in pairs):
        raise ShapeError(
            f"the stages {staged.parts} do not compose to {type(module).__name__}: on the example their "
            "result differs from the module's. Name every part that it applies, in its order."
        )
