"""The event log: lines in order, on the disk at each flush, cut back on request."""

import json
from pathlib import Path

from plait.training.events import EventLog


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_wait_for_the_flush(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.write("step", step=1, loss=0.5)
    assert not path.exists()
    size = log.flush()
    assert lines(path) == [{"event": "step", "step": 1, "loss": 0.5}]
    assert size == path.stat().st_size
    log.write("step", step=2)
    assert path.stat().st_size == size
    assert log.flush() == path.stat().st_size > size
    assert log.flush() == path.stat().st_size, "also if nothing was waiting"


def test_a_log_goes_on_where_another_process_stopped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for step in (1, 2):
        log = EventLog(path)
        log.write("step", step=step, name="größe")
        assert log.flush() == path.stat().st_size
    assert [line["step"] for line in lines(path)] == [1, 2]
    assert lines(path)[0]["name"] == "größe"


def test_cutting_back_forgets_what_came_later(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.write("step", step=1)
    size = log.flush()
    log.write("step", step=2)
    log.flush()
    log.write("step", step=3)
    log.truncate(size)
    assert log.flush() == size
    assert [line["step"] for line in lines(path)] == [1]


def test_without_a_file_nothing_is_kept() -> None:
    log = EventLog(None)
    log.write("step", step=1)
    assert log.flush() == 0
    log.truncate(0)


def test_cutting_back_needs_no_file(tmp_path: Path) -> None:
    EventLog(tmp_path / "events.jsonl").truncate(0)
    assert not list(tmp_path.iterdir())
