"""The journal of a study is whole, whoever was killed while writing it."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from plait.experiments.jobs.hold import hold
from plait.experiments.search.journal import JOURNAL, WRITING, open_journal, open_study
from tests.experiments.search.made import do, study


def values(folder: Path) -> list[float | None]:
    opened = open_study(open_journal(folder), ["maximize"])
    return [trial.value for trial in opened.get_trials(deepcopy=False)]


@pytest.mark.parametrize("tail", [b"", b"{", b'{"op_code": 6, "worker_id": "a', b"\x00\xff"])
def test_a_line_that_was_cut_off_is_taken_away(tmp_path: Path, tail: bytes) -> None:
    do(study(tmp_path), 0.1, 0.2)
    path = tmp_path / JOURNAL
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    assert values(tmp_path) == [0.1, 0.2]
    assert path.read_bytes().startswith(whole)
    do(study(tmp_path), 0.3)
    assert values(tmp_path) == [0.1, 0.2, 0.3]
    assert all(json.loads(line) for line in path.read_text().splitlines())


def keep_others_out(folder: Path, ready: "multiprocessing.Queue[int]") -> None:
    with hold(folder / WRITING):
        ready.put(os.getpid())
        time.sleep(60)


def test_whoever_is_killed_while_writing_keeps_nobody_out(tmp_path: Path) -> None:
    """Optuna's own lock would be waited for, half a minute."""
    do(study(tmp_path), 0.1)
    fork = multiprocessing.get_context("fork")
    ready: multiprocessing.Queue[int] = fork.Queue()
    process = fork.Process(target=keep_others_out, args=(tmp_path, ready))
    process.start()
    os.kill(ready.get(timeout=60), signal.SIGKILL)
    process.join()
    begun = time.monotonic()
    do(study(tmp_path), 0.2)
    assert time.monotonic() - begun < 15
    assert values(tmp_path) == [0.1, 0.2]


def test_optuna_is_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    do(study(tmp_path), 0.1, 0.2)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
