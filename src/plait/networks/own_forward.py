"""A comparison of the stages of a module with its own forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.structure import map_tensors, tensors
from plait.networks.examples import device_of, first_twice
from plait.networks.modes import on_trial
from plait.networks.stages import Staged, encode, stages_of, unmasked


def check_stages(encoder: nn.Module, example: Any) -> None:
    """Raises `ConfigError` for `stages` that do not compose to what the module itself computes.

    Other libraries call inner blocks so, beside a stem and a norm. A view by `as_staged` was asked
    for, and the stages of plait's own encoders are tested; all others run on two examples, in
    evaluation and in training, against the module's `forward`.

    Args:
        encoder: any module.
        example: one batch of inputs; constant ones are replaced, since they would tell little.
    """
    trusted = isinstance(encoder, Staged) or type(encoder).__module__.startswith("plait.")
    if not hasattr(encoder, "stages") or trusted or type(encoder).forward is nn.Module.forward:
        return
    if any(tensor.is_meta for tensor in encoder.parameters()):
        return
    inputs = telling(example, encoder)
    with on_trial(encoder) as (trial, copied):
        for training in (False, True) if copied else (False,):
            trial.train(training)
            own = _run(lambda: _own(trial, inputs))
            composed = _run(lambda: encode(trial, map_tensors(torch.clone, inputs)).levels[-1])
            if isinstance(composed, Exception) and (training or isinstance(own, Exception)):
                return  # whoever runs it on the example says what failed
            _compare(encoder, composed, own, training)


def telling(example: Any, encoder: nn.Module) -> Any:
    """Returns two examples on the device of the encoder; constant numbers are drawn anew."""
    device = device_of(encoder)
    generator = torch.Generator().manual_seed(0)

    def two(tensor: Tensor) -> Tensor:
        rows = tensor[:2].detach() if len(tensor) > 1 else first_twice(tensor)
        if rows.is_floating_point() and rows.numel() and bool((rows == rows.flatten()[0]).all()):
            rows = torch.randn(rows.shape, generator=generator).to(rows)
        return rows.to(device)

    return map_tensors(two, example)


def _own(trial: nn.Module, inputs: Any) -> Tensor | None:
    values, mask = unmasked(map_tensors(torch.clone, inputs), trial)
    options = {"mask": mask} if mask is not None and getattr(trial, "masked", False) else {}
    return next(tensors(trial(values, **options)), None)


def _run(run: Callable[[], Tensor | None]) -> Tensor | Exception | None:
    """Runs with one random state for all; returns what was raised."""
    torch.manual_seed(0)
    try:
        return run()
    except Exception as error:
        return error


def _compare(encoder: nn.Module, composed: object, own: object, training: bool) -> None:
    left_out, name = _left_out(encoder), type(encoder).__name__
    advice = _advice(encoder)
    if isinstance(composed, Exception):
        raise ConfigError(
            f"`stages` of {name} cannot be run one after the other on the example, and the module "
            f"itself can: {composed}. {advice}"
        ) from composed
    if isinstance(own, Exception):
        raise ConfigError(
            f"`stages` of {name} can be run on the example, and the module itself cannot: {own}. "
            f"{advice}"
        ) from own
    if isinstance(own, Tensor) and isinstance(composed, Tensor) and own.shape == composed.shape:
        exact = torch.equal(own, composed)
        near = torch.allclose(own, composed, rtol=1e-3, atol=1e-5, equal_nan=True)
        if exact or (near and not left_out):  # kernels may be fused in the one and not in the other
            return
    names = ", ".join(left_out[:3]) + (", ..." if len(left_out) > 3 else "")
    without = f"; they leave out {names}" if left_out else " in training" if training else ""
    raise ConfigError(
        f"`stages` of {name}, run one after the other, do not give what the module itself does on "
        f"the example{without}. {advice}"
    )


def _left_out(encoder: nn.Module) -> list[str]:
    """Returns the names of the parameters that no stage holds."""
    modules = [stage for stage in stages_of(encoder) if isinstance(stage, nn.Module)]
    held = {id(parameter) for stage in modules for parameter in stage.parameters()}
    return [name for name, each in encoder.named_parameters() if id(each) not in held]


def _advice(encoder: nn.Module) -> str:
    names = [name for name, _ in encoder.named_children()][:3]
    return (
        f"Name all parts in their order, `as_staged(net, {[*names, '...']})`, or take the module "
        "as one stage, `as_staged(net, [net])`."
    )
