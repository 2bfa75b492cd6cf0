"""What is found on a machine."""

import os
import platform

import torch

from plait.experiments.machine import examine


def test_what_is_there() -> None:
    found = examine()
    assert found.versions["Python"] == platform.python_version()
    assert found.versions["torch"] == torch.__version__
    assert found.processors == os.cpu_count()
    assert found.threads == torch.get_num_threads()
    assert "gloo" in found.backends
    assert (found.device == "cpu") == (not torch.accelerator.is_available())
