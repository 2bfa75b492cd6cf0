"""The names of the tasks in a call by hand."""

import torch

from plait.balancing import Info
from plait.balancing.contract.info import informed


def test_tasks_without_names_are_numbered() -> None:
    known = informed(torch.zeros(2, 3, 3, dtype=torch.float32), None)
    assert known.tasks == ("0", "1", "2")
    assert known.dtype == torch.float32


def test_what_is_known_is_kept() -> None:
    info = Info(("b", "a"), epoch=3)
    assert informed(torch.eye(2), info) is info
    numbered = informed(torch.eye(2), Info(epoch=3, dtype=torch.bfloat16))
    assert numbered == Info(("0", "1"), epoch=3, dtype=torch.bfloat16)
