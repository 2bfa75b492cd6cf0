"""What gradient methods ask of the losses."""

import pytest
import torch

from plait.balancing import Info
from plait.balancing.contract.losses import losses_of, refuse_negative
from plait.core.errors import ConfigError


def test_losses_are_read_in_double_precision_without_graph() -> None:
    losses = torch.tensor([1.0, 2.0], requires_grad=True)
    found = losses_of(Info(("a", "b"), losses), "X")
    assert (found.tolist(), found.dtype, found.requires_grad) == ([1.0, 2.0], torch.float64, False)


@pytest.mark.parametrize("info", [None, Info(("a", "b"))])
def test_unknown_losses_are_asked_for(info: Info | None) -> None:
    with pytest.raises(ConfigError, match=r"X reads the losses as well.*`info=Info\(tasks, losses"):
        losses_of(info, "X")


def test_bounds() -> None:
    info, zero, negative = Info(("a", "b")), torch.tensor([1.0, 0.0]), torch.tensor([-2.0, 1.0])
    refuse_negative(zero, info, "X")
    with pytest.raises(ConfigError, match="X needs positive losses; found 0 for task 'b'"):
        refuse_negative(zero, info, "X", zero=False)
    with pytest.raises(ConfigError, match="X needs losses of at least 0; found -2 for task 'a'"):
        refuse_negative(negative, info, "X")
    with pytest.raises(ConfigError, match="for task '0'"):
        refuse_negative(negative, Info(), "X")
