"""What a prediction says."""

import pytest
import torch

from plait.connections.signals.readings import log_odds, need_binary, readable
from plait.core.errors import UnsupportedError
from plait.core.kinds import Kind


def test_predictions_are_read_by_their_kind() -> None:
    y = torch.randn(2, 3, 4)
    torch.testing.assert_close(readable(y, Kind("classes")).sum(1), torch.ones(2, 4))
    torch.testing.assert_close(readable(y, Kind("classes", -1)).sum(2), torch.ones(2, 3))
    assert torch.equal(readable(y, Kind("labels")), y.sigmoid())
    assert readable(y, Kind("numbers")) is readable(y, Kind("other")) is y


def test_the_log_odds_of_two_classes_are_their_difference() -> None:
    for kind, shape in ((Kind("classes"), (5, 2, 3)), (Kind("classes", -1), (5, 3, 2))):
        y = torch.randn(*shape)
        found = log_odds(y, kind)
        assert found.shape == (5, *(1 if size == 2 else size for size in shape[1:]))
        yes = y.softmax(kind.axis).select(kind.axis, 1)
        torch.testing.assert_close(found.sigmoid().squeeze(kind.axis), yes)
    y = torch.randn(5, 2)
    assert log_odds(y, Kind("labels")) is log_odds(y, Kind("other")) is y


def test_a_yes_or_no_is_asked_for() -> None:
    for kind, shape in ((Kind("labels"), (7,)), (Kind("classes"), (2, 8, 8)), (Kind(), ())):
        need_binary("a", kind, shape, "X")
    with pytest.raises(UnsupportedError, match=r"X reads .*task 'a' predicts one of 3 classes"):
        need_binary("a", Kind("classes", -1), (2, 3), "X")
    with pytest.raises(UnsupportedError, match=r"'a' predicts numbers\. Use Binary, MultiLabel"):
        need_binary("a", Kind("numbers"), (1,), "X")
