"""Activation checkpoints: which of them plait cannot differentiate, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from plait.core.errors import ConfigError, UnsupportedError
from plait.engine.evidence import read
from plait.engine.gathered import Gathered
from plait.networks.joined import staying


def is_reentrant(error: Exception) -> bool:
    """Returns whether a backward pass has failed at a reentrant checkpoint.

    torch, and libraries with a checkpoint of their own, say so in words like these.
    """
    text = str(error)
    return isinstance(error, RuntimeError) and "heckpoint" in text and ".grad()" in text


def refusal(method: str) -> ConfigError:
    """Returns the error for a step that needs more than one plain backward pass.

    Args:
        method: the name of the balancer.
    """
    return ConfigError(
        f"{method} differentiates each task on its own here, which a reentrant checkpoint does not "
        "allow. Use `checkpoint(..., use_reentrant=False)`, or from the first step on a method "
        "that reads the losses, such as Equal."
    )


def whole_pass(
    step: Gathered, losses: Mapping[str, Tensor], known: Sequence[Tensor], weights: Tensor
) -> None:
    """Differentiates the weighted sum by `.backward()`, as a reentrant checkpoint demands.

    Parameters that a checkpoint hides from the graph are not among `known` without a model; they
    get their gradient at once, as torch gives it. So the losses are checked before.

    Args:
        step: gets the gradients of `known`.
        losses: `{task: scalar}`.
        known: the parameters and other leaves whose gradients are gathered.
        weights: `[T]`.
    """
    read(step)
    total = sum(w.to(loss) * loss for w, loss in zip(weights, losses.values(), strict=True))
    before = [leaf.grad for leaf in known]
    for leaf in known:
        leaf.grad = None
    try:
        with staying(known):
            torch.autograd.backward([torch.as_tensor(total)], retain_graph=step.retain_graph)
        step.collect_local([(leaf, leaf.grad) for leaf in known if leaf.grad is not None])
    finally:
        for leaf, gradient in zip(known, before, strict=True):
            leaf.grad = gradient


@contextmanager
def refused_ahead(method: str) -> Iterator[None]:
    """Refuses checkpoints while a method looks ahead to the losses at other parameters.

    A checkpoint runs its block again in the backward pass, with the parameters that the model has
    by then: the gradients would be wrong, and torch could not tell.

    Args:
        method: the name of the balancer.

    Raises:
        UnsupportedError: a hook on saved tensors, such as a checkpoint, is set in the body.
    """
    reason = (
        f"{method} looks ahead to the losses at other parameters than the model's, which a "
        "checkpoint would recompute with the model's own: its gradients would be wrong. Train "
        "without checkpoints (and other hooks on saved tensors), or take a method that is not "
        "bilevel."
    )
    try:
        with torch.autograd.graph.disable_saved_tensors_hooks(reason):
            yield
    except Exception as error:  # of torch, or of who has explained it
        if reason not in str(error):
            raise
        raise UnsupportedError(reason) from None
