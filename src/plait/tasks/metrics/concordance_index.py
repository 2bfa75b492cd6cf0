"""The share of pairs that a prediction puts in the order in which the events came."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat


class ConcordanceIndex(Metric):
    """Harrell's concordance index: how well predictions order the times of events.

        C = (concordant + ties / 2) / comparable

    A pair of examples is comparable if it is known whose event came first: the one with the smaller
    time had its event, or both have the same time and one of them had its event then, which counts
    as first. It is concordant if the example whose event came first has the smaller prediction, and
    a tie if the predictions are equal. Two events at the same time are not comparable. 0.5 is
    chance and any constant, 1 a perfect order; NaN if no pair is comparable.

    Shapes: predictions `[N]`, larger for a later event, such as an expected time; targets `[N, 2]`,
        the time, and 1 for an event or 0 where the example was last seen without one.

    Cost: keeps all predictions and targets; n log^2 n for n examples.

    Reference: Harrell, Califf, Pryor, Lee, Rosati, "Evaluating the Yield of Medical Tests", JAMA
        1982; ties as in scikit-survival's ``concordance_index_censored``.

    Example:
        >>> metric = ConcordanceIndex()
        >>> seen = torch.tensor([[1.0, 1.0], [2.0, 0.0], [3.0, 1.0]])
        >>> metric.update(torch.tensor([1.0, 3.0, 0.5]), seen)
        >>> metric.compute().item()  # the first before the second, and not before the third
        0.5
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    undefined = "of no two examples it is known whose event came first"
    predictions: list[Tensor]
    targets: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("predictions", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Adds predictions and targets of examples."""
        self.predictions.append(prediction)
        self.targets.append(target)

    def compute(self) -> Tensor:
        """Returns the index over all that was added."""
        if not self.predictions:
            return torch.tensor(torch.nan)
        time, event = dim_zero_cat(self.targets).unbind(dim=1)
        ranks = torch.unique(dim_zero_cat(self.predictions), return_inverse=True)[1]
        order = ranks.argsort()
        for key in (event != 1, time):  # by time, events first, and then by rank
            order = order[key[order].argsort(stable=True)]
        time, ranks, happened = time[order], ranks[order], event[order] == 1
        greater, equal = _later(ranks, happened)
        at_once = torch.unique(time[happened], return_counts=True)[1]
        both = torch.stack([time[happened], ranks[happened].to(time)])
        alike = _pairs(torch.unique(both, dim=1, return_counts=True)[1])
        comparable = (len(ranks) - 1 - happened.nonzero()).sum() - _pairs(at_once)
        concordant = greater - (_pairs(at_once) - alike)
        return (concordant + (equal - alike).double() / 2) / comparable


def _later(ranks: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Counts the pairs of a chosen element and a later one of greater, and of equal rank.

    By halves of blocks of 2, 4, 8, ... elements, the second ones of which are sorted.

    Args:
        ranks: `[N]`, from 0 to N - 1.
        chosen: `[N]`, which elements may be the first of a pair.
    """
    number = len(ranks)
    places = torch.arange(number, device=ranks.device)
    greater = equal = ranks.new_zeros(())
    width = 1
    while width < number:
        blocks, second = places // (2 * width), places // width % 2 == 1
        keys = blocks * number + ranks
        sorted_keys = keys[second].sort().values
        first = chosen & ~second
        low, high = (
            torch.searchsorted(sorted_keys, keys[first], right=right) for right in (False, True)
        )
        end = torch.searchsorted(sorted_keys, (blocks[first] + 1) * number)
        greater, equal = greater + (end - high).sum(), equal + (high - low).sum()
        width *= 2
    return greater, equal


def _pairs(counts: Tensor) -> Tensor:
    """Counts the pairs within groups of these sizes."""
    return (counts * (counts - 1)).sum() // 2
