"""Shapes of an encoder's levels, found by running a copy without memory or arithmetic."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from plait.core.annotations import shown
from plait.core.errors import ShapeError
from plait.core.features import Features, FeatureShape
from plait.core.structure import map_tensors
from plait.networks.advice import next_step
from plait.networks.channels import check_channels
from plait.networks.dtypes import check_precision, conversion, mixes_floats, precision
from plait.networks.examples import device_of, first_twice, on_meta
from plait.networks.halves import halves
from plait.networks.modes import on_trial
from plait.networks.own_forward import check_stages
from plait.networks.padding import check_padding
from plait.networks.stages import channel_dim_of, encode, name_of, run_all, stages_of, unmasked

Run = Callable[[nn.Module, Any], Features]


def infer_shape(encoder: nn.Module, example: Any) -> FeatureShape:
    """Returns the shapes of the encoder's levels for inputs like `example`.

    A deep copy in eval mode is run on the `meta` device with a batch of two: no parameter, buffer
    or random state of the encoder changes. A module that cannot run there (one that reads values)
    is run as a deep copy on two real examples instead, and one that cannot be copied itself.

    Args:
        encoder: any module.
        example: one batch of inputs; only shapes and dtypes matter.

    What is assumed of the encoder is checked too: that its `stages` are the encoder, on which axis
    its channels are, and that padding changes nothing. Where it runs on values for that, they are
    of two examples.

    Raises:
        ShapeError: the encoder cannot read inputs of this shape or precision, or gives features in
            another one than that of its weights.
        ConfigError: an assumption does not hold; it says what to declare.
    """
    check_stages(encoder, example)
    shape = shape_of_run(encode, encoder, example)
    check_channels(encoder, example, shape)
    check_padding(encoder, example)
    return shape


def body_shapes(encoder: nn.Module, example: Any) -> FeatureShape:
    """Returns the shape of each stage's value before its activation, as `infer_shape` does."""
    return shape_of_run(_bodies, encoder, example)


def _bodies(encoder: nn.Module, inputs: Any) -> Features:
    hidden, mask = unmasked(inputs, encoder)
    bodies: list[Tensor] = []
    for stage in stages_of(encoder):
        before, after = halves(stage)
        bodies.append(run_all(before, hidden, mask))
        hidden = run_all(after, bodies[-1], mask)
    return Features(tuple(bodies), channel_dim_of(encoder))


def shape_of_run(run: Run, encoder: nn.Module, example: Any) -> FeatureShape:
    """Returns the shapes of the features of `run(encoder, inputs)`, as `infer_shape` does."""
    with on_trial(encoder) as (trial, copied):
        if not copied or mixes_floats(trial, example):  # which the meta device lets pass
            features = _run_real(run, trial, example)
        else:
            features = _run_on_meta(run, trial, example)
    check_precision(encoder, features)
    return _without_batch(features)


def _run_on_meta(run: Run, clone: nn.Module, example: Any) -> Features:
    """Runs a copy without memory or arithmetic; on real values if it reads these."""
    try:
        return run(copy.deepcopy(clone).to("meta"), map_tensors(on_meta, example))
    except ShapeError:
        raise
    except Exception:
        return _run_real(run, clone, example)


def _run_real(run: Run, clone: nn.Module, example: Any) -> Features:
    """Runs the copy on real values; says what failed if it cannot read the example at all."""
    device = device_of(clone)
    try:
        return run(clone, map_tensors(lambda tensor: first_twice(tensor).to(device), example))
    except ShapeError:
        raise
    except Exception as error:
        if mixes_floats(clone, example):
            raise ShapeError(
                f"the encoder {type(clone).__name__} cannot read the example: {error}. "
                f"{conversion(clone, example)}"
            ) from error
        shapes = map_tensors(lambda tensor: list(tensor.shape), example)
        raise ShapeError(
            f"the encoder {name_of(clone)} cannot read inputs of shape {shown(shapes)}: {error}"
            f"{'' if str(error).endswith('.') else '.'}{next_step(clone, example, error)}"
        ) from error


def _without_batch(features: Features) -> FeatureShape:
    levels = tuple(tuple(level.shape[1:]) for level in features.levels)
    return FeatureShape(levels, features.channel_dim, precision(features))
