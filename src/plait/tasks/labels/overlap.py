"""Soft Dice: how far predicted probabilities and labels overlap, class by class."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.tasks.base import wide


def soft_dice(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Computes the soft Dice loss of each example, a number in 0..1; 0 without any label.

        D_i = 1/|C_i| sum_(c in C_i) [1 - 2 sum_x w_x p_xc g_xc / sum_x w_x (p_xc + g_xc)]

    with p = softmax(logits), g_xc = 1 where the label of place x is c, and C_i the classes that the
    labels of example i have. A class counts as much as any other, however few places it covers. A
    class that an image does not have is left out: its Dice would be 0 whatever is predicted.

    Args:
        logits: `[B, classes, ...]`.
        target: class numbers `[B, ...]`; any number where the weight is 0.
        weights: of the places, `[B, ...]`, 0 where there is no label; their scale is without
            effect.

    Returns:
        `[B]`, in the dtype that sums need.

    Cost: probabilities and labels of every class, `[B, classes, ...]`.

    Reference: Milletari, Navab, Ahmadi, "V-Net: Fully Convolutional Neural Networks for Volumetric
        Medical Image Segmentation", 3DV 2016 (whose denominator has squares); Sudre, Li,
        Vercauteren, Ourselin, Cardoso, "Generalised Dice overlap as a deep learning loss function
        for highly unbalanced segmentations", DLMIA 2017 (without squares, as here).

    Example:
        >>> even = torch.zeros(1, 2, 1, 4)  # one half for each class, at one of them in four
        >>> labels = torch.tensor([[[0, 0, 0, 1]]])
        >>> round(soft_dice(even, labels, torch.ones(1, 1, 4)).item(), 4)  # of 1 - 3/5, 1 - 1/3
        0.5333
    """
    classes = logits.shape[1]
    shares = wide(logits).softmax(dim=1).flatten(2)  # [B, classes, places]
    mass = weights.to(shares.dtype).flatten(1).unsqueeze(1)
    true = target.long().clamp(0, classes - 1).flatten(1).unsqueeze(1)
    labels = torch.zeros_like(shares).scatter_(1, true, 1.0) * mass
    both, labelled = (shares * labels).sum(dim=2), labels.sum(dim=2)
    either = (shares * mass).sum(dim=2) + labelled
    there = labelled > 0
    losses = (1 - 2 * both / either.where(there, 1.0)).where(there, 0.0)
    return losses.sum(dim=1) / there.sum(dim=1).clamp(min=1)


def mean_dice(logits: Tensor, target: Tensor, weights: Tensor, mass: Tensor) -> Tensor:
    """Computes the mean over examples of their soft Dice, sum_i m_i D_i / sum_i m_i.

    Each example counts by the mass of its labels, so that means of several batches merge as all
    losses of a task do.

    Args:
        logits: as in `soft_dice`.
        target: likewise.
        weights: likewise.
        mass: of each label in the loss, `[B, ...]`; m_i is their sum in example i.

    Returns:
        a scalar; NaN without any mass.
    """
    each = soft_dice(logits, target, weights)
    own = mass.to(each.dtype).flatten(1).sum(dim=1)
    return each @ own / own.sum()
