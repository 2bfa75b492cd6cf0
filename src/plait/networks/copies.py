"""Copies of an encoder: with the same start, or initialised anew."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from plait.core.annotations import shown
from plait.core.errors import ConfigError
from plait.core.seeding import seeded

Copies = Literal["clone", "reset"]
EncoderLike = nn.Module | Callable[[], nn.Module]


def instance(encoder: EncoderLike) -> nn.Module:
    """Returns the encoder itself, or a new one if it is a factory."""
    return encoder if isinstance(encoder, nn.Module) else _made(encoder)


def copy_of(encoder: EncoderLike, copies: Copies, *seed: int | str) -> nn.Module:
    """Returns a new copy of an encoder.

    Args:
        encoder: an instance or a zero-argument factory.
        copies: "clone" keeps the weights (one common start; needed where parameters are tied
            element by element, and for pre-trained encoders); "reset" draws new ones under `seed`.
        seed: what the new weights depend on.

    Raises:
        ConfigError: an instance that cannot be copied, or "reset" of one in which a module that
            owns parameters cannot draw them anew; give a factory instead.
    """
    if copies not in ("clone", "reset"):
        raise ConfigError(f"`copies` must be 'clone' or 'reset'; found {copies!r}.")
    if copies == "clone":
        if isinstance(encoder, nn.Module):
            return copied(encoder)
        with seeded(seed[0] if seed else 0, "encoder"):
            return _made(encoder)
    with seeded(*seed):
        if not isinstance(encoder, nn.Module):
            return _made(encoder)
        fresh = copied(encoder)
        # children first: a parent may give its children another start than their own
        for name, module in reversed(list(fresh.named_modules())):
            _reset(name, module)
        return fresh


def _made(factory: Callable[[], nn.Module]) -> nn.Module:
    """Calls a factory; raises `ConfigError` if it needs arguments, or makes no module."""
    name = getattr(factory, "__name__", type(factory).__name__)
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise ConfigError(
            f"a factory of encoders is called without arguments, and {name} needs some: {error}. "
            f"Give an encoder, `{name}(...)`, or a factory, `lambda: {name}(...)`."
        ) from None
    except ValueError:  # written in C: it has no signature
        pass
    made = factory()
    if not isinstance(made, nn.Module):
        raise ConfigError(
            f"an encoder must be a torch module; the factory {name} has made {shown(made)}."
        )
    return made


def copied(module: nn.Module) -> nn.Module:
    """Returns a deep copy of a module.

    Raises:
        ConfigError: it cannot be copied, since it keeps something that is bound to it: an output
            with its graph (the old `torch.nn.utils.weight_norm` does), a lock, an open file.
    """
    try:
        return copy.deepcopy(module)
    except Exception as error:
        raise ConfigError(
            f"{type(module).__name__} has to be copied here, and cannot be: {error} "
            "Give a factory, `lambda: MyEncoder(...)`, in place of the instance"
            f"{_instead(module)}."
        ) from error


def handed_over(module: nn.Module) -> dict[int, Any]:
    """Returns a memo for `copy.deepcopy`, by which what cannot be copied goes to the copy itself.

    For a module that is not to be used any more, so that nothing has two owners.
    """
    memo: dict[int, Any] = {}
    if _copies(module, memo):
        return memo
    kept = [
        value
        for part in module.modules()
        for name, value in vars(part).items()
        if name not in ("_modules", "_parameters", "_buffers")
    ]
    # what holds others comes last: a list is copied, though a module in it keeps a lock
    for value in sorted(kept, key=lambda each: isinstance(each, list | tuple | dict | set)):
        if not _copies(value, memo):
            memo[id(value)] = value
    return memo


def _copies(value: Any, memo: dict[int, Any]) -> bool:
    """Tells whether a value can be copied, with the objects of a memo as they are."""
    try:
        copy.deepcopy(value, dict(memo))
    except Exception:
        return False
    return True


def _instead(module: nn.Module) -> str:
    """Returns advice for the most frequent of the modules that cannot be copied."""
    hooks = [hook for part in module.modules() for hook in part._forward_pre_hooks.values()]
    if any(type(hook).__module__ == "torch.nn.utils.weight_norm" for hook in hooks):
        return ", or use `torch.nn.utils.parametrizations.weight_norm`, which can be copied"
    return ""


def _reset(name: str, module: nn.Module) -> None:
    """Re-initialises one module's parameters and statistics by the method of torch's modules."""
    before = {
        key: (parameter, parameter._version, parameter.detach().clone())
        for key, parameter in module.named_parameters(recurse=False)
    }
    for method in ("reset_parameters", "_reset_parameters"):
        if callable(getattr(module, method, None)):
            getattr(module, method)()
            kept = [key for key, old in before.items() if _is_kept(getattr(module, key), *old)]
            if kept:
                raise ConfigError(
                    f"cannot re-initialise {name or 'the encoder'} ({type(module).__name__}): its "
                    f"`{method}` does not draw {kept[0]!r}, as where `weight_norm` has replaced "
                    "the weight. Give a factory, `lambda: MyEncoder(...)`, in place of the "
                    "instance."
                )
            return
    if before:
        raise ConfigError(
            f"cannot re-initialise {name or 'the encoder'} ({type(module).__name__}): it owns "
            "parameters but has no `reset_parameters`. Give a factory, `lambda: MyEncoder(...)`, "
            "in place of the instance."
        )


def _is_kept(now: Tensor, before: Tensor, version: int, values: Tensor) -> bool:
    """Tells whether a parameter is as it was; one of equal entries may have been set to them."""
    untouched = now is before and now._version == version and torch.equal(now, values)
    return untouched and values.numel() > 0 and not bool((values == values.flatten()[0]).all())
