"""A warning of plait is a line that says what it is about; those of others stay as they are."""

import subprocess
import sys
import warnings

import pytest

from plait.core.errors import PlaitWarning
from plait.core.plain_warnings import plain_warnings

CODE = """
import warnings
from plait.core.errors import PlaitWarning
from plait.core.plain_warnings import plain_warnings
with plain_warnings():
    warnings.warn("too far", PlaitWarning)
"""


def line_of(category: type[Warning]) -> str:
    return warnings.formatwarning("too far", category, "file.py", 3)


@pytest.mark.parametrize(
    ("of", "line"),
    [("", "plait: warning: too far\n"), ("seed-0/mmoe", "plait: seed-0/mmoe: warning: too far\n")],
)
def test_a_warning_of_plait_is_a_line(of: str, line: str) -> None:
    before = warnings.formatwarning
    with plain_warnings(of):
        assert line_of(PlaitWarning) == line
        assert line_of(UserWarning) == "file.py:3: UserWarning: too far\n"
    assert warnings.formatwarning is before


def test_the_innermost_name_is_told() -> None:
    with plain_warnings():
        with plain_warnings("a"):
            assert line_of(PlaitWarning) == "plait: a: warning: too far\n"
        assert line_of(PlaitWarning) == "plait: warning: too far\n"


def test_it_is_what_python_shows() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stderr == "plait: warning: too far\n"
