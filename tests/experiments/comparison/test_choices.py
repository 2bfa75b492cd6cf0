"""Words that choose need nothing that takes time to load."""

import subprocess
import sys

from plait.experiments.comparison.choices import EVERY_ROW


def test_rows_are_named_once() -> None:
    assert len(set(EVERY_ROW)) == len(EVERY_ROW)


def test_choices_load_no_torch() -> None:
    code = (
        "import sys, plait.experiments.comparison.choices, plait.experiments.jobs.backends; "
        "print(sorted({'torch', 'pandas', 'joblib', 'pydantic'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
