"""One process at a time works in a folder, and a dead one keeps nobody out."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plait.core.errors import ConfigError, RunExistsError
from plait.experiments.jobs import hold as public
from plait.experiments.jobs.hold import check_left, hold

# Loads the one module, and not torch
HOLDS = """
import sys, time, os
from pathlib import Path
from plait.experiments.jobs.hold import hold
with hold(Path(sys.argv[1])):
    if sys.argv[2] == "fork" and os.fork() == 0:
        os.setsid()
        print("held", flush=True)
        time.sleep(5)
        os._exit(0)
    if sys.argv[2] != "fork":
        print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process(folder: Path, how: str = "alone") -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder), how], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_another_process_is_kept_out_until_it_has_died(tmp_path: Path) -> None:
    assert public is hold
    folder = tmp_path / "run"
    with another_process(folder) as process:
        message = f"process {process.pid} works in {folder}; nothing in it was touched"
        with pytest.raises(RunExistsError, match=message), hold(folder):
            pytest.fail("two processes work in one folder")
        with pytest.raises(RunExistsError, match=message):
            check_left(folder)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with hold(folder):
            assert (folder / ".lock").read_text() == f"{os.getpid()}\n"
    check_left(folder)


def test_a_child_that_outlives_its_parent_does_not_keep_the_folder(tmp_path: Path) -> None:
    with another_process(tmp_path, "fork") as process:
        process.kill()
        process.wait()
        with hold(tmp_path):
            pass


def test_it_can_be_waited_for(tmp_path: Path) -> None:
    with another_process(tmp_path) as process:
        threading.Timer(0.3, process.kill).start()
        start = time.monotonic()
        with hold(tmp_path, wait=30):
            assert time.monotonic() - start > 0.2


def test_the_same_process_is_kept_out_too(tmp_path: Path) -> None:
    with hold(tmp_path):
        for _ in range(2):  # a refusal does not open the lock
            with pytest.raises(RunExistsError, match=f"process {os.getpid()} works in"):
                check_left(tmp_path)
    with hold(tmp_path), hold(tmp_path / "within"):
        pass


def test_an_error_gives_the_folder_free(tmp_path: Path) -> None:
    with pytest.raises(ValueError), hold(tmp_path):
        raise ValueError
    with hold(tmp_path):
        pass


def test_a_folder_that_is_not_there_is_left(tmp_path: Path) -> None:
    check_left(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"), hold(tmp_path / "file" / "run"):
        pass
    (tmp_path / ".lock").mkdir()
    with pytest.raises(ConfigError, match="cannot be opened"), hold(tmp_path):
        pass


def test_a_file_system_without_locks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.lockf", none)
    with pytest.raises(ConfigError, match="cannot be locked"), hold(tmp_path):
        pass
