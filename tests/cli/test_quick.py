"""Torchmetrics without the import of scipy.signal."""

import subprocess
import sys

import pytest


def python(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


LOAD = "import sys\nfrom plait.cli.quick import load_torchmetrics\nload_torchmetrics()\n"


def test_torchmetrics_is_there_and_scipys_signals_are_not() -> None:
    """One that was imported in its place would be found here: the stand-in is gone as well."""
    code = "print('torchmetrics' in sys.modules, 'scipy.signal' in sys.modules)"
    assert python(LOAD + code) == "True False"


def test_garbage_is_looked_for_afterwards_but_not_in_what_was_loaded() -> None:
    code = "import gc\nprint(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    assert python(LOAD + code) == "True True"


def test_metrics_work() -> None:
    code = (
        "import torch\nfrom torchmetrics.classification import MulticlassAccuracy\n"
        "metric = MulticlassAccuracy(3, average='micro')\n"
        "print(metric(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 1, 1, 2])).item())"
    )
    assert python(LOAD + code) == "0.75"


@pytest.mark.parametrize("after", ["", "import scipy.signal\n"])
def test_whoever_wants_the_signals_gets_the_real_ones(after: str) -> None:
    code = "import scipy.signal; print(scipy.signal.butter(1, 0.5)[0].round(3).tolist())"
    assert python(f"{after}{LOAD}{code}") == "[0.5, 0.5]"


def test_what_is_loaded_already_stays() -> None:
    code = "import sys, scipy.signal\nbefore = sys.modules['scipy.signal']\n"
    assert python(code + LOAD + "print(sys.modules['scipy.signal'] is before)") == "True"


def test_a_torchmetrics_that_asks_for_more_gets_the_real_ones() -> None:
    code = (
        "import sys\nfrom plait.cli import quick\n"
        "stand_in = quick.StandIn(quick.PATCHED)\nsys.modules[quick.PATCHED] = stand_in\n"
        "from scipy.signal import butter\nimport scipy.signal\n"
        "print(butter(1, 0.5)[0].round(3).tolist(), scipy.signal is stand_in)"
    )
    assert python(code) == "[0.5, 0.5] False"
