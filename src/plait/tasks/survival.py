"""The time until an event, of examples that may have been last seen before it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics import Metric

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.features import FeatureShape
from plait.core.geometry import Geometry
from plait.core.options import Count
from plait.tasks.base import BaseTask
from plait.tasks.heads import ScalarHead
from plait.tasks.labels.tensors import need_tensor, precise
from plait.tasks.metric_rules import check_metrics
from plait.tasks.metrics.concordance_index import ConcordanceIndex
from plait.tasks.prediction import Prediction


class Survival(BaseTask):
    """The time until an event, by the discrete-time likelihood of the valid labels.

        L = sum_i w_i l_i / sum_i w_i    (nats)
        l_i = - sum_k [d_ik log h_ik + s_ik log(1 - h_ik)],    h_ik = s(z_ik)

    over intervals k, between one cut and the next, with s the logistic function: h is the chance of
    the event in an interval, for those who come to it; d says that the event was in it, s that it
    was passed without one. Who was last seen without an event passes the intervals of which half
    was seen, and says nothing of later ones. The chance to come past cut k is the product of
    1 - h_j over j <= k.

    Args:
        name: the task's name.
        cuts: the ends of the K intervals, positive and ascending, in the unit of the times; the
            first one begins at 0. An interval has its end and not its beginning. What is after the
            last one is not told apart. `quantile_cuts` finds some from labels.
        hidden: widths of the head's hidden layers; none by default.
        metrics: torchmetrics objects that read expected times `[n]` and labels `[n, 2]`; by default
            the `ConcordanceIndex`.
        weight: static weight of the task.

    Shapes: labels `[B, 2]`, floats: the time, and 1 for an event then or 0 for last seen without
        one; a label with NaN is missing. Predictions `[B, K]`, logits of h.

    Raises:
        ConfigError: an option is outside its range.

    Differs: intervals are closed on the right, so that with a cut at each time of an event the
        best constant is the Kaplan-Meier estimate.

    Reference: Gensheimer, Narasimhan, "A scalable discrete-time survival model for neural
        networks", PeerJ 2019.

    Example:
        >>> task = Survival("relapse", cuts=[6.0, 12.0, 24.0])
        >>> seen = torch.tensor([[7.0, 1.0], [12.0, 0.0], [torch.nan, torch.nan]])
        >>> round(task.loss(torch.zeros(3, 3), seen).item(), 4)  # two intervals each, 2 log 2
        1.3863
    """

    geometry: Geometry = "numbers"

    def __init__(
        self,
        name: str,
        *,
        cuts: Sequence[float],
        hidden: Sequence[Count] = (),
        metrics: Mapping[str, Metric] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(name, metrics=metrics, weight=weight)
        self.cuts = [float(cut) for cut in cuts]
        ascending = all(a < b for a, b in zip([0.0, *self.cuts], self.cuts, strict=False))
        if not self.cuts or not ascending or self.cuts[-1] == math.inf:
            raise ConfigError(
                f"`cuts` of task {name!r} must be positive numbers in ascending order; found "
                f"{self.cuts}."
            )
        self.names: Sequence[str] = [f"{cut:.10g}" for cut in self.cuts]
        self.hidden = tuple(hidden)
        times = torch.arange(1.0, 9.0)
        check_metrics(name, metrics, times.roll(1), torch.stack([times, torch.ones(8)], dim=1))

    @staticmethod
    def quantile_cuts(labels: Tensor, bins: int = 10) -> list[float]:
        """Finds cuts between which about as many events lie, up to `bins` of them.

        Args:
            labels: `[N, 2]`, those of the training; missing ones are left out.
            bins: number of intervals, at least 1; there are fewer where times are equal.

        Raises:
            DataError: there is no event after time 0.
        """
        time, event = labels.unbind(dim=1)
        times = time[(event == 1) & (time > 0)]
        if len(times) == 0:
            raise DataError(
                "cuts of a survival are quantiles of the times of events; found no event after "
                "time 0. Is it the right column?"
            )
        # as text: 0.1 of float32 is 0.1 there, and 0.10000000149 among wider numbers
        ordered = [float(str(each)) for each in times.sort().values.numpy()]
        return sorted({ordered[-(-len(ordered) * k // bins) - 1] for k in range(1, bins + 1)})

    def default_metrics(self) -> dict[str, Metric]:
        """Makes the concordance index."""
        return {"concordance": ConcordanceIndex()}

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Builds a pooled head with one logit for each interval."""
        return ScalarHead(shape, len(self.cuts), hidden=self.hidden)

    def valid(self, target: Any) -> Tensor:
        """True, `[B]`, where neither time nor event is NaN."""
        return ~torch.as_tensor(target).isnan().any(dim=-1)

    def count(self, target: Tensor, weights: Tensor | None = None) -> float:
        """Counts the valid labels, or sums up their weights if examples have some.

        Raises:
            DataError: labels are no floats, a time is negative or infinite, an event is neither 0
                nor 1; or a weight is negative or not finite.
            ShapeError: labels are not `[B, 2]`.
        """
        need_tensor(self.name, target)
        if target.dim() != 2 or target.shape[1] != 2:
            raise ShapeError(
                f"labels of task {self.name!r} must be [B, 2], time and event; found "
                f"{list(target.shape)}."
            )
        if not target.is_floating_point():
            raise DataError(
                f"labels of task {self.name!r} must be floats (NaN where missing); "
                f"found {target.dtype}. Convert them with `.float()`."
            )
        time, event = target.unbind(dim=1)
        right = (time >= 0) & (time < math.inf) & ((event == 0) | (event == 1))
        wrong = (self.valid(target) & ~right).nonzero().flatten().tolist()
        if wrong:
            pair = ", ".join(f"{number:g}" for number in target[wrong[0]].tolist())
            raise DataError(
                f"labels of task {self.name!r} must be a time of at least 0 and an event, 0 or 1; "
                f"found ({pair}) in row {wrong[0] + 1} of the batch. A missing label is NaN."
            )
        return super().count(target, weights)

    def elementwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Computes minus the log likelihood of each label in nats; 0 where it is NaN."""
        if prediction.shape != (len(target), len(self.cuts)) or target.shape[1:] != (2,):
            raise ShapeError(
                f"task {self.name!r} needs labels [B, 2] and predictions [B, {len(self.cuts)}]; "
                f"found {list(target.shape)} and {list(prediction.shape)}."
            )
        happened, passed = self.intervals(target)
        logits = prediction.to(torch.promote_types(prediction.dtype, torch.float32))
        losses = torch.where(happened, F.softplus(-logits), 0.0)
        return (losses + torch.where(passed, F.softplus(logits), 0.0)).sum(dim=1)

    def intervals(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Finds the interval of the event, and those that were passed without one, `[B, K]` both.

        False for a label that is missing, and for the intervals of which it says nothing.
        """
        time, event = target.unsqueeze(-1).unbind(dim=1)
        # as the times are: 0.1 is another number in float32
        ends = torch.tensor(self.cuts, dtype=target.dtype).to(target.device, non_blocking=True)
        begins = F.pad(ends[:-1], (1, 0))
        first = torch.arange(len(ends), device=ends.device) == 0  # with its beginning, 0
        happened = (event == 1) & ((time > begins) | first) & (time <= ends)
        seen = torch.where(event == 1, time > ends, time >= begins + (ends - begins) / 2)
        return happened, seen

    def expected(self, prediction: Tensor) -> Tensor:
        """Computes expected times `[B]`, up to the last cut: the area under the chance to pass.

        The chance falls linearly within an interval. Equal for equal logits, to the last bit.
        """
        rows, places = torch.unique(precise(prediction), dim=0, return_inverse=True)
        after = self._chances(rows)
        before = torch.cat([torch.ones_like(after[:, :1]), after[:, :-1]], dim=1)
        ends = torch.tensor(self.cuts).to(after)
        widths = ends - F.pad(ends[:-1], (1, 0))
        times: Tensor = ((before + after) / 2 * widths).sum(dim=1)
        return times[places]

    def _chances(self, logits: Tensor) -> Tensor:
        """Returns the chances to come past each cut, `[B, K]`."""
        chances: Tensor = F.softplus(logits).cumsum(dim=1).neg().exp()
        return chances

    def select(
        self, prediction: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Selects expected times `[n]` and labels `[n, 2]` of the valid entries."""
        keep = self.label_weights(target, weights) > 0
        return self.expected(prediction[keep]), target[keep]

    def decode(self, prediction: Tensor, mask: Tensor | None = None) -> Prediction:
        """Decodes logits into expected times `[B, 1]`, with the chances to pass each cut."""
        logits = super().decode(prediction, mask).value
        times = self.expected(logits).unsqueeze(1).to(torch.float32)
        return Prediction(times, self._chances(logits.float()), self.names)

    def summarise(self, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sums up the labels: `[2, K]`, events in each interval, and how many came to it."""
        there = self.label_weights(target, weights) > 0
        happened, passed = self.intervals(target[there])
        return torch.stack([happened.double().sum(0), (happened | passed).double().sum(0)])

    def constant(self, summary: Tensor, metric: Metric | None = None) -> Tensor:
        """Returns the log-odds of the share of events in each interval: Kaplan and Meier's."""
        events, came = summary
        least = 0.5 / (came + 1)
        rate: Tensor = (events / came.clamp(min=1)).clamp(least, 1 - least)
        return rate.logit()

    def show(self, target: Tensor, prediction: Tensor) -> tuple[Any, Any]:
        """Gives the time of the event, None where it was not seen, and the expected one."""
        time, event = target.tolist()
        return [time] if event == 1 else None, self.expected(prediction.unsqueeze(0)).tolist()
