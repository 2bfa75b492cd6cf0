"""The event log: lines in order, on the disk when it is synced, cut back on request."""

import json
import os
from pathlib import Path

import pytest

from plait.runs import EventLog, Warned


def warned(step: int) -> Warned:
    return Warned(step=step, text="größe")


def steps(path: Path) -> list[int]:
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_lines_wait_for_the_flush(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = EventLog(path)
    log.write(warned(1))
    assert not path.exists()
    size = log.flush()
    assert json.loads(path.read_text()) == {"event": "warning", "step": 1, "text": "größe"}
    assert size == path.stat().st_size
    log.write(warned(2))
    assert path.stat().st_size == size
    assert log.flush() == path.stat().st_size > size
    assert log.flush() == path.stat().st_size, "also if nothing was waiting"


def test_a_log_goes_on_where_another_process_stopped(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for step in (1, 2):
        log = EventLog(path)
        log.write(warned(step))
        assert log.flush() == path.stat().st_size
    assert steps(path) == [1, 2]


def test_only_a_sync_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    log, synced, sync = EventLog(path), [], os.fsync

    def noted(number: int) -> None:
        sync(number)
        synced.append((os.fstat(number).st_ino, path.stat().st_size))

    monkeypatch.setattr(os, "fsync", noted)
    log.write(warned(1))
    log.flush()
    assert not synced
    log.write(warned(2))
    size = log.sync()
    assert synced == [(path.stat().st_ino, size)], "this file, with all of its lines"
    assert steps(path) == [1, 2]


def test_cutting_back_forgets_what_came_later(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = EventLog(path)
    log.write(warned(1))
    size = log.flush()
    log.write(warned(2))
    log.flush()
    log.write(warned(3))
    log.truncate(size)
    assert log.flush() == size
    assert steps(path) == [1]


def test_without_a_file_nothing_is_kept() -> None:
    log = EventLog(None)
    log.write(warned(1))
    assert log.flush() == log.sync() == 0
    log.truncate(0)


def test_cutting_back_needs_no_file(tmp_path: Path) -> None:
    EventLog(tmp_path / "log").truncate(0)
    assert not list(tmp_path.iterdir())
