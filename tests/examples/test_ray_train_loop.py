"""The example of Ray Train, with two workers."""

from pathlib import Path

import pytest

from examples.two_tasks import EPOCHS, ROWS
from tests.examples.comparison import check, needs, one_process, run


@pytest.mark.slow
@needs("ray", "ray")
@pytest.mark.usefixtures("double")
def test_two_workers_train_what_one_process_trains(tmp_path: Path) -> None:
    """One of them fails in the second epoch, and both begin it again from a checkpoint."""
    run("ray_train_loop", tmp_path)
    assert (tmp_path / "failed").exists()
    check(tmp_path, one_process([range(ROWS)] * EPOCHS), "whole")
