"""Signals and a sudden end: what was saved is enough to go on to the last bit."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from plait.core.signals import HEARD, WARNING
from plait.training import Callback, Interrupted
from plait.training.interrupt import StopFlag, handling
from tests.training import child
from tests.training.problem import (
    EPOCHS,
    STEPS,
    assert_same_run,
    differences,
    events,
    saved,
    train_loader,
    trainer,
    val_loader,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of a process in the foreground, whoever has started the tests; kept by every test."""
    outside = {number: signal.getsignal(number) for number in HEARD}
    foreground = dict.fromkeys(HEARD, signal.SIG_DFL)
    foreground[signal.SIGINT] = signal.default_int_handler
    for number, handler in foreground.items():
        signal.signal(number, handler)
    try:
        yield
        assert {number: signal.getsignal(number) for number in foreground} == foreground
    finally:
        for number, before in outside.items():
            signal.signal(number, before)


class Send(Callback):
    """Sends a signal to this process at an event; notes what happens after it."""

    def __init__(self, event: str, count: int, number: int) -> None:
        self.left, self.number = count, number
        self.later: list[str] = []
        for each in ("on_step_end", "on_validation_end", "on_save", "on_exception"):
            setattr(self, each, lambda *_, each=each: self._note(each, event))

    def _note(self, each: str, event: str) -> None:
        if self.left == 0:
            self.later.append(each)
        elif each == event:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), self.number)


# --- a signal -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", HEARD)
@pytest.mark.parametrize(("event", "count", "step"), [("on_step_end", 2, 2), ("on_step_end", 4, 4)])
def test_a_signal_ends_training_after_the_step_with_a_checkpoint(
    event: str, count: int, step: int, number: signal.Signals, tmp_path: Path
) -> None:
    trainer(tmp_path / "whole", "PCGrad").fit(train_loader(), val_loader())
    folder, sender = tmp_path / "stopped", Send(event, count, number)
    made = trainer(folder, "PCGrad", callbacks=[sender], checkpoint_every=None)
    with pytest.raises(Interrupted) as caught:
        made.fit(train_loader(), val_loader())
    assert caught.value.signal == number
    line = f"to go on: `fit(..., resume=True)` of a Trainer with run={str(folder)!r}"
    assert str(caught.value) == f"interrupted by {number.name}; {line}"
    assert isinstance(caught.value, KeyboardInterrupt)
    assert sender.later == ["on_save", "on_exception"]
    assert saved(folder)["state"]["step"] == step
    assert len([e for e in events(folder) if e["event"] == "step"]) == step
    trainer(folder, "PCGrad").fit(train_loader(), val_loader(), resume=True)
    assert_same_run(folder, tmp_path / "whole")


@pytest.mark.parametrize("epoch", range(1, EPOCHS + 1))
def test_a_signal_during_validation_is_obeyed_after_it(epoch: int, tmp_path: Path) -> None:
    """Also in the last epoch: whoever presses Ctrl-C wants an end, not a test run."""
    trainer(tmp_path / "whole").fit(train_loader(), val_loader())
    folder = tmp_path / "stopped"
    made = trainer(folder, callbacks=[Send("on_validation_end", epoch, signal.SIGINT)])
    with pytest.raises(Interrupted):
        made.fit(train_loader(), val_loader())
    assert saved(folder)["state"]["epoch"] == epoch
    again = trainer(folder)
    again.fit(train_loader(), val_loader(), resume=True)
    assert_same_run(folder, tmp_path / "whole")


def test_the_same_trainer_can_go_on(tmp_path: Path) -> None:
    trainer(tmp_path / "whole").fit(train_loader(), val_loader())
    made = trainer(tmp_path / "again", callbacks=[Send("on_step_end", 4, signal.SIGINT)])
    with pytest.raises(Interrupted):
        made.fit(train_loader(), val_loader())
    try:
        made.fit(train_loader(), val_loader(), resume=True)
    except Interrupted:  # a KeyboardInterrupt, which would end the tests
        pytest.fail("the signal of the first call is obeyed once more")
    assert_same_run(tmp_path / "again", tmp_path / "whole")


def test_without_a_run_folder_the_message_says_that_nothing_was_saved() -> None:
    made = trainer(None, callbacks=[Send("on_step_end", 1, signal.SIGTERM)])
    with pytest.raises(Interrupted, match="by SIGTERM; no run folder, so nothing was saved"):
        made.fit(train_loader())
    assert made.state.step == 1


def test_a_loader_whose_workers_died_of_the_signal(tmp_path: Path) -> None:
    """Ctrl-C goes to the whole group of processes, and a worker may end before it is obeyed."""
    options: dict[str, Any] = {"accumulate": 1, "scheduler": None}
    trainer(tmp_path / "whole", **options).fit(list(train_loader()), val_loader())

    class Dying:
        def __len__(self) -> int:
            return 5

        def __iter__(self) -> Iterator[Any]:
            for position, batch in enumerate(train_loader()):
                if position == 3:
                    os.kill(os.getpid(), signal.SIGINT)
                    raise RuntimeError("DataLoader worker (pid 1) exited unexpectedly")
                yield batch

    folder = tmp_path / "stopped"
    made = trainer(folder, checkpoint_every=None, **options)
    with pytest.raises(Interrupted):
        made.fit(Dying(), val_loader())
    assert saved(folder)["state"]["step"] == 3
    trainer(folder, **options).fit(list(train_loader()), val_loader(), resume=True)
    assert_same_run(folder, tmp_path / "whole")


def test_a_loader_that_fails_by_itself_fails() -> None:
    class Broken:
        def __iter__(self) -> Iterator[Any]:
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        trainer(None).fit(Broken())


def test_a_second_signal_acts_at_once() -> None:
    flag, reached = StopFlag(), []
    with pytest.raises(KeyboardInterrupt), flag.listening():
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the first")
        assert flag.received == signal.SIGINT
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the second")
    assert reached == ["after the first"]


@pytest.mark.skipif(WARNING is None, reason="has no SIGUSR1")
def test_a_warning_may_come_several_times() -> None:
    """A scheduler sends it to a process and to that which has started it, who hands it on."""
    flag = StopFlag()
    with flag.listening():
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGUSR1)
        assert flag.received == signal.SIGUSR1


@pytest.mark.skipif(WARNING is None, reason="has no SIGUSR1")
def test_who_has_given_the_warning_a_meaning_keeps_it() -> None:
    flag, heard = StopFlag(), []
    signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    try:
        with flag.listening():
            os.kill(os.getpid(), signal.SIGUSR1)
            assert flag.received is None
        os.kill(os.getpid(), signal.SIGUSR1)
        assert heard == [signal.SIGUSR1] * 2
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)


def test_a_training_within_a_body_hears_for_itself() -> None:
    """As in a worker of a comparison, which handles signals around its training."""
    outside: list[int] = []
    flag = StopFlag()
    with handling(lambda number, before: outside.append(number)):
        for number in HEARD:
            with flag.listening():
                signal.raise_signal(number)
                assert flag.received == number
            signal.raise_signal(number)
    assert outside == [*HEARD]


def test_one_signal_of_each_kind_is_no_second() -> None:
    """As a worker gets them at Ctrl-C, from the terminal and from what has started it."""
    flag = StopFlag()
    with flag.listening():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert flag.received == signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_where_a_signal_is_ignored_the_first_is_heard_and_the_second_ignored(
    number: signal.Signals,
) -> None:
    """As where a script has started the process in its background."""
    outside, flag = signal.signal(number, signal.SIG_IGN), StopFlag()
    try:
        with flag.listening():
            os.kill(os.getpid(), number)
            assert flag.received == number
            os.kill(os.getpid(), number)
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, outside)


def test_a_handler_that_was_not_made_in_python_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python cannot put it back, and tells of it as None."""
    real = signal.getsignal
    monkeypatch.setattr(
        signal, "getsignal", lambda number: None if number == signal.SIGTERM else real(number)
    )
    with StopFlag().listening():
        assert real(signal.SIGTERM) == signal.SIG_DFL
        assert real(signal.SIGINT) is not signal.default_int_handler
    assert real(signal.SIGINT) is signal.default_int_handler


def test_listening_forgets_an_earlier_signal() -> None:
    flag = StopFlag()
    with flag.listening():
        os.kill(os.getpid(), signal.SIGTERM)
    assert flag.received == signal.SIGTERM
    with flag.listening():
        assert flag.received is None


def test_in_another_thread_signals_stay_as_they_are() -> None:
    found: list[Any] = []

    def work() -> None:
        before = signal.getsignal(signal.SIGINT)
        with StopFlag().listening():
            found.append(signal.getsignal(signal.SIGINT) is before)
        try:
            trainer(None).fit(train_loader(), val_loader())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]


# --- a sudden end ---------------------------------------------------------------------------


def start(folder: Path, wait_at: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.child", str(folder), "PCGrad", str(wait_at)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


def run(folder: Path) -> list[int]:
    """Trains to the end and returns the steps that were taken."""
    with start(folder) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return [int(line) for line in out.split()]


@pytest.mark.slow
def test_a_process_killed_between_two_checkpoints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL leaves no time to save: a new process goes on from the last checkpoint."""
    last = EPOCHS * STEPS
    between = [step for step in range(1, last) if step % 2 and step % STEPS]
    kill_at = random.Random(8).choice(between)
    child.main(str(tmp_path / "whole"), "PCGrad")  # the uninterrupted run, in this process
    assert [int(line) for line in capsys.readouterr().out.split()] == list(range(1, last + 1))

    with start(tmp_path / "killed", kill_at) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == kill_at:
                process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed/final.pt").exists()
    reached = saved(tmp_path / "killed")["state"]["step"]
    assert reached < kill_at

    assert run(tmp_path / "killed") == list(range(reached + 1, last + 1))
    final = [torch.load(tmp_path / name / "final.pt") for name in ("whole", "killed")]
    assert not list(differences(*final))
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_a_function_handles_the_signals_while_its_body_runs() -> None:
    seen: list[tuple[int, bool]] = []
    old = {number: signal.getsignal(number) for number in HEARD}

    def note(number: int, before: Mapping[int, Any]) -> None:
        seen.append((number, before == old))

    with handling(note):
        for number in old:
            signal.raise_signal(number)
    assert seen == [(number, True) for number in HEARD]
    assert old == {number: signal.getsignal(number) for number in old}
