"""Scalarisations of the losses that need a preference vector or a router in the model.

They are plain differentiable functions for a loop of your own.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from plait.core.errors import ConfigError, ShapeError

Normalization = Literal["none", "ratio", "log"]


def pbi(
    losses: Tensor, preference: Tensor, *, theta: float = 5.0, reference: Tensor | None = None
) -> Tensor:
    """Returns the penalty-based boundary intersection (PBI) of the losses.

        d1 + theta d2,    u = r / |r|,  d1 = <L - z, u>,  d2 = |L - z - d1 u|

    d1 is how far the losses are from the ideal point along the preferred direction, d2 how far off
    it. On the direction itself d2 has no gradient; it counts as zero there.

    Args:
        losses: L, `[T]`.
        preference: r, `[T]`, not all zero.
        theta: how much being off the direction costs; 5 as in the paper.
        reference: z, `[T]`, the ideal point; 0 by default.

    Raises:
        ShapeError: `losses` and another argument differ in shape.

    Example:
        >>> pbi(torch.tensor([4.0, 3.0]), torch.tensor([0.0, 1.0]), theta=2.0)  # d1 = 3, d2 = 4
        tensor(11.)

    Reference: Zhang, Li, "MOEA/D: A Multiobjective Evolutionary Algorithm Based on Decomposition",
        IEEE Transactions on Evolutionary Computation, 2007, section II.
    """
    _check_shapes(losses, preference=preference, reference=reference)
    direction = preference / torch.linalg.vector_norm(preference)
    distance = losses if reference is None else losses - reference
    along = distance @ direction
    value: Tensor = along + theta * torch.linalg.vector_norm(distance - along * direction)
    return value


def cosmos(losses: Tensor, preference: Tensor, *, strength: float = 1.0) -> Tensor:
    """Returns the objective of COSMOS for one preference vector.

        sum_t r_t L_t - strength cos(r, L)

    The network is given r as an input, and r is drawn anew in each step from a Dirichlet
    distribution; so one network learns the whole Pareto front, as `plait.sharing.PaLoRA` does with
    weights that r blends.

    Args:
        losses: L, `[T]`.
        preference: r, `[T]`, not all zero.
        strength: lambda, how closely the losses are to follow r; the paper has 0.01 to 8.

    Raises:
        ShapeError: `losses` and `preference` differ in shape.

    Example:
        >>> cosmos(torch.tensor([4.0, 3.0]), torch.tensor([0.0, 1.0]), strength=5.0)  # 3 - 5 3/5
        tensor(0.)

    Reference: Ruchte, Grabocka, "Scalable Pareto Front Approximation for Deep Multi-Objective
        Learning", ICDM 2021.
    """
    _check_shapes(losses, preference=preference)
    length = torch.linalg.vector_norm(losses)
    unit = losses / torch.where(length > 0, length, 1.0)  # losses that are all 0 have no direction
    cosine = unit @ preference / torch.linalg.vector_norm(preference)
    value: Tensor = losses @ preference - strength * cosine
    return value


def ldc_mtl(
    losses: Tensor,
    weights: Tensor,
    *,
    strength: float = 0.1,
    weighted_gaps: bool = True,
    normalization: Normalization = "none",
    initial_losses: Tensor | None = None,
) -> Tensor:
    """Returns the objective of LDC-MTL: weighted losses, and the gaps between neighbouring tasks.

        sum_t w_t l_t + strength sum_(t < T) |tau_t l_t - tau_(t+1) l_(t+1)|

    The weights come from a router in the model, a softmax of a linear map of its features, and are
    learned with it: gradients flow to them. Only neighbouring tasks are compared, so their order
    matters.

    Args:
        losses: L, `[T]`.
        weights: w, `[T]`, of the router.
        strength: lambda; the authors have 0.01 to 0.1.
        weighted_gaps: tau = w, rather than 1.
        normalization: l is L ("none"), L min(L0) / L0 ("ratio"), or log(L / L0) ("log").
        initial_losses: L0, `[T]`, those of the first step, for "ratio" and "log".

    Raises:
        ShapeError: `losses` and another argument differ in shape.
        ConfigError: an unknown normalization, or one without the initial losses that it needs.

    Example:
        >>> losses, weights = torch.tensor([4.0, 1.0]), torch.tensor([0.25, 0.75])
        >>> ldc_mtl(losses, weights, strength=1.0)  # 1 + 0.75 + |1 - 0.75|
        tensor(2.)

    Reference: Xiao et al., "LDC-MTL: Balancing Multi-Task Learning through Scalable Loss
        Discrepancy Control", arXiv 2502.08585, 2025.
    """
    _check_shapes(losses, weights=weights, initial_losses=initial_losses)
    if normalization not in ("none", "ratio", "log"):
        raise ConfigError(
            f"`normalization` must be 'none', 'ratio' or 'log'; found {normalization!r}."
        )
    if normalization != "none":
        if initial_losses is None:
            raise ConfigError(f"`normalization` {normalization!r} needs `initial_losses`.")
        ratio = losses / initial_losses
        losses = ratio.log() if normalization == "log" else ratio * initial_losses.min()
    compared = weights * losses if weighted_gaps else losses
    return weights @ losses + strength * compared.diff().abs().sum()


def _check_shapes(losses: Tensor, **others: Tensor | None) -> None:
    for option, other in others.items():
        if other is not None and (losses.dim() != 1 or other.shape != losses.shape):
            raise ShapeError(
                f"`losses` and `{option}` must both be [T]; found {list(losses.shape)} and "
                f"{list(other.shape)}."
            )
