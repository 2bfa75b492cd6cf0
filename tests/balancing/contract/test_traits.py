"""What is told of a method is what its class and docstring say."""

import pytest

from plait.balancing.contract.traits import traits
from tests.balancing.promises import METHODS, method

every = pytest.mark.parametrize("name", METHODS)


@every
def test_every_method_tells_what_one_has_to_know(name: str) -> None:
    found = traits(method(name))
    balancer = method(name)()
    assert found.summary.endswith(".")
    assert found.cost
    assert found.paper, "every method names its paper"
    assert ("batches" in found.needs) == (balancer.batches > 1)
    assert ("losses again" in found.needs) == balancer.rereads
    assert ("at least 0" in found.needs) == balancer.positive_losses
    assert (found.passes == "1") == (balancer.reads == "losses") == (found.memory == "none")
    for text in (found.summary, found.paper, found.differs, found.cost):
        assert "\n" not in text and "  " not in text


def test_rows_that_live_across_steps_count() -> None:
    assert traits(method("TrimmedMean")).memory == "[T, P]"
    assert traits(method("MoCo")).memory == "2 x [T, P]"
    assert traits(method("MoDo")).memory == "2 x [T, P]"


def test_tasks_in_turn_cost_what_is_differentiated_and_kept() -> None:
    found = traits(method("StaleRows"))
    assert (found.passes, found.memory) == ("1, and 1 through the heads", "[T, P]")
