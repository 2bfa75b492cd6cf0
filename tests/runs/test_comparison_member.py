"""What a member adds up of its networks."""

import math
from dataclasses import replace

from tests.runs.test_comparison import TWO, member


def test_networks_count_together_and_memory_is_that_of_the_largest() -> None:
    two = {
        task: replace(each, memory=[place + 1.0, math.nan], step_seconds=[0.5, 1.0])
        for place, (task, each) in enumerate(TWO.single.items())
    }
    found = replace(TWO.baseline, networks=two)
    assert found.memory[0] == 2.0
    assert math.isnan(found.memory[1])
    assert found.step_seconds == [1.0, 2.0]
    assert (found.parameters, found.size) == (80, 320)
    assert not found.is_one
    assert found.folders == []


def test_one_network_of_all_tasks_has_its_folders() -> None:
    assert member("x").is_one
    assert member("x").folders == ["seed-0/x", "seed-1/x"]
