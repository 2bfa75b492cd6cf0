"""The staged view of an encoder: modules whose composition is the encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from torch import Tensor, nn

from plait.core.errors import ConfigError, ShapeError
from plait.core.features import Features
from plait.core.structure import Masked
from plait.networks.untouched import untouched

Stage = Callable[..., Any]


def stages_of(encoder: nn.Module) -> list[Stage]:
    """Returns the stages of any module, in order; their composition is the module.

    A module that has an attribute `stages` is staged by it, an `nn.Sequential` by its children, and
    any other module is one stage, such as a sequence with a `forward` of its own. That `stages` are
    the module is checked once, by `infer_shape`. This is the only place where plait looks at what a
    module has.

    Example:
        >>> from torch import nn
        >>> linear = nn.Linear(2, 3)
        >>> len(stages_of(nn.Sequential(linear, nn.ReLU()))), len(stages_of(linear))
        (2, 1)
    """
    declared = getattr(encoder, "stages", encoder if is_chain(encoder) else None)
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


def reads_codes(encoder: nn.Module) -> bool:
    """Tells whether inputs are codes, units and NaN that nothing but the encoder can read.

    An encoder of tables declares it by ``reads_codes = True``.
    """
    return any(getattr(module, "reads_codes", False) is True for module in encoder.modules())


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
    hidden, mask = unmasked(inputs, encoder)
    levels = []
    for position, stage in enumerate(stages_of(encoder)[:stages]):
        hidden = run_stage(stage, hidden, mask)
        levels.append(one_tensor(hidden, position, encoder))
    left = remaining(mask, encoder)
    return Features(tuple(levels), channel_dim_of(encoder), left, grid_of(inputs, encoder))


def remaining(mask: Tensor | None, encoder: nn.Module) -> Tensor | None:
    """Returns the padding mask of the encoder's features, from that of its input.

    They are the same. An encoder that makes fewer positions of those of its input, such as frames
    of samples, may have a method `reduce_mask` that returns the mask of these; all of its levels
    then have them.
    """
    own = None if mask is None else getattr(encoder, "reduce_mask", None)
    return mask if own is None else own(mask)


def positions_of(inputs: Any, encoder: nn.Module) -> Any:
    """Returns the input whose positions the encoder's features have.

    That is the input itself. An encoder of several inputs may have a method `positions` that
    returns one of them, or None where its features have the positions of none.
    """
    own = getattr(encoder, "positions", None)
    return inputs if own is None else own(inputs)


def unmasked(inputs: Any, encoder: nn.Module) -> tuple[Any, Tensor | None]:
    """Returns the input of the first stage, without its padding mask, and that mask, if any."""
    placed = positions_of(inputs, encoder)
    mask = placed.mask if isinstance(placed, Masked) else None
    return (inputs.values if isinstance(inputs, Masked) else inputs), mask


def one_tensor(output: Any, position: int, encoder: nn.Module) -> Tensor:
    """Returns a stage's output; raises `ShapeError` if it is something other than one tensor."""
    if isinstance(output, Tensor):
        return output
    found = f"stage {position} of {name_of(encoder)} must return one tensor; found "
    if isinstance(output, Mapping) and all(isinstance(key, str) for key in output):
        kept = next((key for key in output if isinstance(output[key], Tensor)), "...")
        raise ShapeError(
            f"{found}{type(output).__name__} of {', '.join(output)}. Write a module around it "
            f"whose forward returns one: `return self.net(inputs)[{kept!r}]`."
        )
    raise ShapeError(
        f"{found}{type(output).__name__}. Write a module around it whose forward returns one, such "
        "as `return self.net(inputs)[0]`, or name a part that returns one with `as_staged`."
    )


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


def is_chain(stage: Stage) -> TypeGuard[nn.Sequential]:
    """Tells whether a stage runs its children in their order; one with a `forward` may not."""
    return isinstance(stage, nn.Sequential) and type(stage).forward is nn.Sequential.forward


def _run(stage: Stage, hidden: Any, mask: Tensor | None) -> Any:
    if mask is None:
        return stage(hidden)
    if getattr(stage, "masked", False):
        return stage(hidden, mask=mask)
    if is_chain(stage):  # a group hands the mask on
        return _run_chain(stage, hidden, mask)
    return stage(hidden)


def _run_chain(stages: Iterable[Stage], hidden: Any, mask: Tensor | None) -> Any:
    for stage in stages:
        hidden = _run(stage, hidden, mask)
    return hidden


def grid_of(inputs: Any, encoder: nn.Module) -> tuple[int, int] | None:
    """Returns height and width where the features are those of an image `[B, C, H, W]`."""
    placed = positions_of(inputs, encoder)
    if isinstance(placed, Tensor) and placed.dim() == 4:
        return int(placed.shape[2]), int(placed.shape[3])
    return None


class Staged(nn.Module):
    """A module with a staged view of it; made by `as_staged`.

    The view holds no parameters of its own: a deep copy copies the module once, with tied weights.
    """

    def __init__(
        self, module: nn.Module, parts: Sequence[str | Stage], channel_dim: int | None
    ) -> None:
        super().__init__()
        self.module = module
        self.parts = list(parts)
        said = getattr(module, "channel_dim", None) if channel_dim is None else channel_dim
        if said is not None:
            self.channel_dim = said

    @property
    def stages(self) -> list[Stage]:
        """The named parts of the module, and the given functions, in order."""
        return [self.module.get_submodule(p) if isinstance(p, str) else p for p in self.parts]

    def forward(self, inputs: Any) -> Any:
        """Applies the stages in order."""
        return encode(self, inputs).levels[-1]


def name_of(encoder: nn.Module) -> str:
    """Returns the name of an encoder's class, of the module itself where it is a staged view."""
    return type(encoder.module if isinstance(encoder, Staged) else encoder).__name__
