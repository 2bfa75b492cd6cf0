"""The group of the processes that a launcher has started."""

import time
from datetime import timedelta
from typing import Any

import pytest
from torch import distributed

from plait.core.errors import ConfigError, DataError, LostProcessError
from plait.core.launched import ERRORS, last_words
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


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf")])
def test_no_time_at_all_is_refused(timeout: float) -> None:
    with pytest.raises(ConfigError, match="must be above 0 seconds"), joined(timeout):
        pass


def start(monkeypatch: pytest.MonkeyPatch, **given: Any) -> None:
    """Makes this process look like one of two, whose group is never made."""
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "init_process_group", given.get("init", lambda *_, **__: None))
    monkeypatch.setattr(distributed, "destroy_process_group", lambda: None)


def test_the_group_waits_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    start(monkeypatch, init=lambda backend, timeout: found.append(timeout))
    for timeout in (None, 2.5):
        with joined(timeout):
            pass
    assert found == [None, timedelta(seconds=2.5)]


def test_others_that_do_not_come_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: Any, **options: Any) -> None:
        raise distributed.DistStoreError("wait timeout after 2500ms")

    start(monkeypatch, init=fail)
    with pytest.raises(LostProcessError, match=r"not all of the 2 .* wait timeout"), joined(2.5):
        pass


@pytest.mark.parametrize(
    ("error", "left"), [(DataError("bad row"), (2, "error: bad row")), (KeyError("x"), (1, ""))]
)
def test_why_it_ends_is_left_before_the_others_notice(
    error: Exception,
    left: tuple[int, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    start(monkeypatch)
    monkeypatch.setenv(ERRORS, str(tmp_path))
    known = []
    monkeypatch.setattr(
        distributed, "destroy_process_group", lambda: known.extend(last_words(tmp_path))
    )
    with pytest.raises(type(error)), joined():
        raise error
    assert [each[:3] for each in known] == [(1, *left)]


def wait_for(silent: int) -> str:
    """Rank `silent` does not answer for longer than the others wait."""
    distributed.distributed_c10d._set_pg_timeout(timedelta(seconds=1))
    if ranks().rank == silent:
        time.sleep(4)
        return ""
    with pytest.raises(LostProcessError) as lost:
        ranks().agree(True)
    return str(lost.value)


def test_a_process_that_does_not_answer_is_lost(two: Group) -> None:
    first, _ = two(wait_for, 1)
    two.failed = True  # what it has sent since then would be an answer to what is asked next
    assert "has ended or does not answer" in first
    assert "rank 0 at a long evaluation" in first and "`--timeout SECONDS`" in first
