"""The share of each task in all labels."""

import pytest

from plait.core.reduction import label_shares


def test_shares_add_up_to_one_and_go_by_the_labels() -> None:
    found = label_shares({"a": 6.0, "b": 1.5, "c": 0.0})
    assert found == {"a": 0.8, "b": 0.2, "c": 0.0}
    assert sum(found.values()) == pytest.approx(1.0)


def test_no_tasks_have_no_shares() -> None:
    assert label_shares({}) == {}
