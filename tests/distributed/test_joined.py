"""The group of the processes that a launcher has started."""

import pytest
from torch import distributed

from plait.distributed import ALONE, joined, ranks
from tests.distributed.group import Group


def test_a_process_alone_joins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as here:
        assert here is ALONE
        assert not distributed.is_initialized()


def again() -> tuple[int, bool]:
    with joined() as here:
        size = here.size
    return size, distributed.is_initialized() and ranks().size == size


def test_a_group_that_is_there_stays(two: Group) -> None:
    assert two(again) == [(2, True), (2, True)]
