"""The example of Accelerate, in two processes."""

from pathlib import Path

import pytest

from examples.two_tasks import EPOCHS, ROWS
from tests.examples.comparison import check, needs, one_process, run


@pytest.mark.slow
@needs("accelerate", "integrations")
@pytest.mark.usefixtures("double")
def test_two_processes_train_what_one_trains(tmp_path: Path) -> None:
    """Also from a checkpoint."""
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    run("accelerate_loop", tmp_path, *launcher)
    check(tmp_path, one_process([range(ROWS)] * EPOCHS), "whole", "resumed")
