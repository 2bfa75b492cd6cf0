"""Which signals are heard, and what a process ends with after them."""

import signal
import sys

import pytest

from plait.core.signals import HEARD, WARNING, exit_code


def test_a_command_that_was_stopped_ends_as_a_shell_says_it() -> None:
    assert {signal.SIGINT, signal.SIGTERM} <= {*HEARD}
    assert exit_code(signal.SIGINT) == 130
    assert exit_code(signal.SIGTERM) == 143


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGUSR1")
def test_a_warning_before_the_end_of_the_time_ends_as_sigterm_does() -> None:
    assert WARNING == signal.SIGUSR1
    assert WARNING in HEARD
    assert exit_code(signal.SIGUSR1) == 143
