"""Gates on the edges."""

import pytest
import torch

from plait.core.errors import ConfigError
from tests.connections.columns import TASKS
from tests.connections.plain import Waits, wiring


def test_an_edge_that_is_off_has_no_source() -> None:
    connection = Waits(alpha=[0, 0.5])
    connection.setup(wiring())
    assert [connection.parents(task) for task in TASKS] == [(), (), ("b.c",)]
    assert connection.watched() == {}
    learned = Waits(alpha="learned")
    assert learned.watched() == {}
    learned.setup(wiring())
    assert learned.watched()["Waits: alpha"].plain() == {"a -> b.c": 1.0, "b.c -> d%": 1.0}


def test_unknown_ways_to_detach_are_refused() -> None:
    with pytest.raises(ConfigError, match="`detach` of Waits must be None or 'source'; found"):
        Waits(detach="target")


def test_a_source_is_held_and_a_signal_is_gated() -> None:
    connection = Waits(alpha=[0.5, 2.0], detach="source")
    connection.setup(wiring())
    signal = torch.ones(2, 3, requires_grad=True)
    assert not connection.held(signal).requires_grad
    assert Waits().held(signal) is signal
    assert torch.equal(connection.gated(("b.c", "d%"), signal), 2 * signal)
