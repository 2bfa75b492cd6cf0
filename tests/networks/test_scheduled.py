"""Every scheduled part of a module hears of the progress."""

from torch import nn

from plait.networks.scheduled import Scheduled
from tests.networks.progress import set_progress


class Clock(nn.Module, Scheduled):
    def __init__(self, inner: nn.Module | None = None) -> None:
        super().__init__()
        self.inner = inner
        self.seen: list[float] = []

    def set_progress(self, progress: float) -> None:
        self.seen.append(progress)


def test_each_scheduled_part_is_told_once_at_any_depth() -> None:
    deep = Clock()
    outer = Clock(nn.Sequential(nn.Linear(1, 1), nn.ModuleDict({"deep": deep})))
    model = nn.ModuleList([outer, nn.ReLU(), deep])  # registered twice
    set_progress(model, 0.25)
    set_progress(outer, 0.5)
    assert outer.seen == deep.seen == [0.25, 0.5]


def test_a_module_without_schedules_is_left_alone() -> None:
    set_progress(nn.Linear(2, 2), 1.0)
