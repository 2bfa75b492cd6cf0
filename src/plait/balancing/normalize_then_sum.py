"""One number for each example out of several rewards."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.balancing.algebra.rows import at_least_single
from plait.core.errors import ShapeError


def normalize_then_sum(
    rewards: Tensor, weights: Tensor | None = None, *, eps: float = 1e-4
) -> Tensor:
    """Adds up rewards that were brought to one spread each, as GDPO does for its advantages.

        a_nt = (r_nt - mean_n r_nt) / (std_n r_nt + eps)        within a group of N examples
        A_n = sum_t w_t a_nt,  then the same normalisation of A over all examples

    Rewards that are added up raw are ruled by the one with the widest spread, and answers that are
    good at different things get the same sum. It is a plain function for a loop of your own, such
    as one that trains a policy on the advantages A; nothing is differentiated.

    Args:
        rewards: r, `[..., N, T]`: T rewards for each of the N examples of a group, such as the
            answers to one prompt; leading axes are groups. NaN where an example has no such reward.
        weights: w, `[T]`; 1 each by default.
        eps: beside each standard deviation; 1e-4 as in the authors' code. Rewards of so small a
            spread count less.

    Returns:
        the advantages, `[..., N]`; 0 for an example without any reward, and where all are equal.

    Raises:
        ShapeError: `rewards` has no axis of examples, or `weights` is not `[T]`.

    Example: the second reward has ten times the spread of the first; the sums would be 1, 10, -11.
        >>> rewards = torch.tensor([[1.0, 0.0], [0.0, 10.0], [-1.0, -10.0]])
        >>> normalize_then_sum(rewards, eps=0.0)
        tensor([ 0.5774,  0.5774, -1.1547])

    Reference: Liu, Dong, Lu, Diao, Belcak, Liu, Chen, Yin, Wang, Cheng, Choi, Kautz, Molchanov,
        "GDPO: Group reward-Decoupled Normalization Policy Optimization for Multi-reward RL
        Optimization", arXiv 2601.05242, 2026.
    """
    if rewards.dim() < 2:
        raise ShapeError(f"`rewards` must be [..., N, T]; found {list(rewards.shape)}.")
    if weights is not None and weights.shape != rewards.shape[-1:]:
        raise ShapeError(
            f"`weights` must be [T] with T = {rewards.shape[-1]}; found {list(weights.shape)}."
        )
    values = rewards.detach().to(at_least_single(rewards.dtype))
    normal = _normalised(values, -2, eps)
    total = normal.sum(-1) if weights is None else normal @ weights.to(normal)
    total = total.masked_fill(values.isnan().all(-1), torch.nan)
    return _normalised(total.flatten(), 0, eps).reshape(total.shape)


def _normalised(values: Tensor, dim: int, eps: float) -> Tensor:
    """Normalises the values along `dim` to mean 0 and deviation 1, without NaN, which is 0."""
    there = ~values.isnan()
    count = there.sum(dim, keepdim=True)
    mean = values.nansum(dim, keepdim=True) / count.clamp(min=1)
    centred = torch.where(there, values - mean, 0.0)
    variance = centred.square().sum(dim, keepdim=True) / (count - 1).clamp(min=1)
    scale = variance.sqrt() + eps
    return centred / torch.where(scale > 0, scale, 1.0)
