"""The base of loss methods on which the scale of a loss has no influence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from plait.balancing.base import LossBalancer
from plait.balancing.named import check_names, values_by_task
from plait.core.errors import ConfigError


class PreferringBalancer(LossBalancer):
    """A method that is invariant to the scale of each loss, so it takes a preference.

    Multiplying one loss by a constant does not change the direction at the shared parameters (its
    length may change). What matters more has to be said to the method itself.

    Args:
        preference: `{task: p_t}`, positive; tasks that are not named get 1.

    Raises:
        ConfigError: a preference that is not positive, or of an unknown task.
    """

    scale_free = True

    def __init__(self, *, preference: Mapping[str, float] | None = None) -> None:
        super().__init__()
        for task, value in (preference or {}).items():
            if not value > 0:
                raise ConfigError(
                    f"`preference` must be positive; found {value} for task {task!r}."
                )
        self.preference = None if preference is None else dict(preference)

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that the tasks with a preference exist."""
        check_names(self.preference or {}, tasks)
        super().setup(tasks)

    def preferred(self, tasks: Sequence[str], like: Tensor) -> Tensor:
        """Returns p `[T]` of `tasks`."""
        return values_by_task(self.preference, tasks, like, default=1.0)
