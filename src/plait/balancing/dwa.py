"""Dynamic weight averaging."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.balancing.base import LossBalancer
from plait.balancing.contract.info import Info, epoch_of
from plait.balancing.contract.names import tasks_present
from plait.balancing.memory.epoch_means import EpochMeans
from plait.balancing.memory.task import TaskState
from plait.core.errors import ConfigError


class DWA(LossBalancer):
    """Gives more weight to the tasks whose losses have fallen less (dynamic weight average).

        w_t = T softmax(r / temperature)_t,    r_t = mean of L_t in the last epoch
                                                     / mean of L_t in the epoch before it

    The weights are 1 until two epochs are over, and change between epochs only. A task counts the
    epochs in which it was present. A mean of zero makes no ratio: r_t is 1.

    Args:
        temperature: positive; the larger, the more equal the weights. 2 as in the paper.
        window: None, or a number of steps: compare the last `window` losses, that of the current
            step included, with the `window` before them, rather than epochs; a task gets r_t = 1
            until it has been present in ``2 x window`` steps.

    Shapes: losses `[T]`, not negative.

    Raises:
        ConfigError: `temperature` or `window` is not positive.

    Example:
        >>> import math
        >>> balancer = DWA(temperature=0.5 / math.log(3))
        >>> for epoch, values in enumerate([[2.0, 2.0], [1.0, 2.0], [1.0, 1.0]]):
        ...     losses = torch.tensor(values, requires_grad=True)
        ...     objective = balancer.objective(losses, Info(("a", "b"), epoch=epoch))
        >>> torch.autograd.grad(objective, losses)[0]  # ratios 1/2 and 1
        tensor([0.5000, 1.5000])

    Differs: in an implementation with a window the first ``2 x window`` steps are compared with
        losses of 1 that never occurred. In a loop of your own, `info` has to say the epoch,
        unless there is a window.

    Cost: one backward pass; five numbers per task, or ``2 x window`` of them.

    Reference: Liu, Johns, Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019,
        section 3.3. The window: Navon et al., "Multi-Task Learning as a Bargaining Game", ICML
        2022, the authors' code.
    """

    positive_losses = True
    reads_epochs = True

    def __init__(self, *, temperature: float = 2.0, window: int | None = None) -> None:
        super().__init__()
        if not temperature > 0:
            raise ConfigError(f"`temperature` must be positive; found {temperature}.")
        if window is not None and not window > 0:
            raise ConfigError(f"`window` must be positive; found {window}.")
        self.temperature = temperature
        self.window = window
        self.reads_epochs = window is None
        self.count, self.history = TaskState(), TaskState()
        self.means = EpochMeans()

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the weighted sum, and remembers the losses."""
        tasks, values = tasks_present(losses, info), losses.detach()
        if self.window is None:
            last, before = self.means.take(tasks, values, epoch_of(info))
        else:
            last, before = self._windows(tasks, values, self.window)
        ratio = torch.where(before > 0, last / before, 1.0)
        ratio = ratio.clamp(max=torch.finfo(ratio.dtype).max)
        return len(tasks) * (ratio / self.temperature).softmax(0) @ losses

    def _windows(self, tasks: Sequence[str], values: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Returns the means of the last two windows; 0 for one that is not full yet."""
        history = self.history.get(tasks, values.new_zeros(2 * size))
        history = torch.cat([history[:, 1:], values[:, None]], dim=1)
        count = self.count.get(tasks, values.new_zeros(())) + 1
        self.history.put(tasks, history)
        self.count.put(tasks, count)
        before, last = history[:, :size].mean(dim=1), history[:, size:].mean(dim=1)
        return last, before * (count >= 2 * size)
