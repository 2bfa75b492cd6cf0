"""The staged view of an encoder: modules whose composition is the encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, ShapeError, suggest
from plait.core.features import Features
from plait.core.structure import Masked, map_tensors, tensors
from plait.networks.modes import evaluating
from plait.networks.untouched import untouched

Stage = Callable[..., Any]


def stages_of(encoder: nn.Module) -> list[Stage]:
    """Returns the stages of any module, in order; their composition is the module.

    A module that has an attribute `stages` is staged by it, an `nn.Sequential` by its children, and
    any other module is one stage. This is the only place where plait looks at what a module has.

    Example:
        >>> from torch import nn
        >>> linear = nn.Linear(2, 3)
        >>> len(stages_of(nn.Sequential(linear, nn.ReLU()))), len(stages_of(linear))
        (2, 1)
    """
    declared = getattr(encoder, "stages", encoder if isinstance(encoder, nn.Sequential) else None)
    if declared is None:
        return [encoder]
    stages = list(declared) if isinstance(declared, Iterable) else []
    if not stages or not all(map(callable, stages)):
        raise ConfigError(
            f"the stages of {type(encoder).__name__} must be modules, at least one; found "
            f"{declared!r}. Name its parts with `as_staged`."
        )
    return stages


def channel_dim_of(encoder: nn.Module) -> int:
    """Returns the encoder's `channel_dim` (1, or -1 for tokens); 1 if it does not say."""
    channel_dim = getattr(encoder, "channel_dim", 1)
    if channel_dim not in (1, -1):
        raise ConfigError(
            f"`channel_dim` of {type(encoder).__name__} must be 1 or -1 (tokens); "
            f"found {channel_dim!r}."
        )
    return int(channel_dim)


def encode(encoder: nn.Module, inputs: Any, stages: int | None = None) -> Features:
    """Runs the encoder stage by stage and keeps every stage's output.

    Args:
        encoder: any module. A stage that declares ``masked = True`` is given the padding mask.
        inputs: a tensor, any structure, or `Masked(values, mask)`.
        stages: how many stages run, from the first; all by default.

    Returns:
        Features whose `levels` are the stage outputs, finest first.

    Raises:
        ShapeError: a stage returns something other than one tensor.
    """
    hidden, mask = unmasked(inputs)
    levels = []
    for position, stage in enumerate(stages_of(encoder)[:stages]):
        hidden = run_stage(stage, hidden, mask)
        levels.append(one_tensor(hidden, position, encoder))
    return Features(tuple(levels), channel_dim_of(encoder), mask, grid_of(inputs))


def unmasked(inputs: Any) -> tuple[Any, Tensor | None]:
    """Returns the values of an input, and its padding mask if it has one."""
    return (inputs.values, inputs.mask) if isinstance(inputs, Masked) else (inputs, None)


def one_tensor(output: Any, position: int, encoder: nn.Module) -> Tensor:
    """Returns a stage's output; raises `ShapeError` if it is something other than one tensor."""
    if not isinstance(output, Tensor):
        raise ShapeError(
            f"stage {position} of {type(encoder).__name__} must return one tensor; found "
            f"{type(output).__name__}. Adapt it with `as_staged`, naming a part that returns one."
        )
    return output


def run_stage(stage: Stage, hidden: Any, mask: Tensor | None) -> Any:
    """Runs one stage; one that declares ``masked = True`` is given the padding mask.

    What it reads stays as it is, also where the stage works in place.
    """
    return untouched([stage], _run_chain, hidden, mask)


def run_all(stages: Iterable[Stage], hidden: Any, mask: Tensor | None) -> Any:
    """Runs stages one after the other; those that declare ``masked = True`` are given the mask.

    What the first one reads stays as it is; between them nobody reads.
    """
    chain = list(stages)
    if not chain:
        return hidden
    return untouched(chain, _run_chain, hidden, mask)


def _run(stage: Stage, hidden: Any, mask: Tensor | None) -> Any:
    if mask is None:
        return stage(hidden)
    if getattr(stage, "masked", False):
        return stage(hidden, mask=mask)
    if isinstance(stage, nn.Sequential):  # a group hands the mask on
        return _run_chain(stage, hidden, mask)
    return stage(hidden)


def _run_chain(stages: Iterable[Stage], hidden: Any, mask: Tensor | None) -> Any:
    for stage in stages:
        hidden = _run(stage, hidden, mask)
    return hidden


def grid_of(inputs: Any) -> tuple[int, int] | None:
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
            which the module applies them. A callable must hold no parameters that are not the
            module's, and a function must not close over the module: a copy would keep the original.
        cuts: for an `nn.Sequential` in place of `parts`: group its children, with a cut after each
            of these numbers of children; ``cuts=[2, 4]`` on six children gives three stages of two.
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
        parts = _groups(module, cuts)
    assert parts is not None
    known = [name for name, _ in module.named_modules() if name]
    for part in parts:
        if isinstance(part, str) and part not in known:
            raise ConfigError(
                f"{type(module).__name__} has no part {part!r}.{suggest(part, known)}"
            )
        if isinstance(part, nn.Module):
            _check_owned(module, part)
    staged = Staged(module, parts, channel_dim)
    channel_dim_of(staged)
    if example is not None:
        _verify(module, staged, example)
    return staged


def _check_owned(module: nn.Module, part: nn.Module) -> None:
    """Raises for parameters that neither a device move nor an optimizer of the module reaches."""
    own = set(module.parameters())
    if any(parameter not in own for parameter in part.parameters()):
        raise ConfigError(
            f"the part {type(part).__name__} has parameters that are not those of "
            f"{type(module).__name__}, so they would not be trained. Put both into one module, and "
            "adapt that."
        )


def _groups(module: nn.Module, cuts: Sequence[int]) -> list[Stage]:
    if not isinstance(module, nn.Sequential):
        raise ConfigError(
            f"`cuts` groups the children of an nn.Sequential; found {type(module).__name__}."
        )
    bounds = [0, *cuts, len(module)]
    if bounds != sorted(set(bounds)):
        raise ConfigError(f"`cuts` must rise within 1..{len(module) - 1}; found {list(cuts)}.")
    groups: list[Stage] = [module[a:b] for a, b in pairwise(bounds)]
    return groups


def _verify(module: nn.Module, staged: Staged, example: Any) -> None:
    # clones: the first module of a net may write into its input
    inputs, again = (map_tensors(torch.clone, example) for _ in range(2))
    values, mask = unmasked(inputs)
    with evaluating(module), torch.no_grad(), torch.random.fork_rng(devices=[]):
        whole, composed = run_stage(module, values, mask), staged(again)
    first = next(tensors(whole), None)  # others are by-products, such as the state of an LSTM
    if first is None or first.shape != composed.shape or not torch.equal(first, composed):
        raise ShapeError(
            f"the stages {staged.parts} do not compose to {type(module).__name__}: on the example "
            "their result differs from the module's. Name every part that it applies, in its order."
        )
