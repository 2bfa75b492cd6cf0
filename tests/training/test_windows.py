"""How the batches of an epoch are dealt to its steps."""

from typing import Any

import pytest

from plait.balancing import Balancer, MoDo, SDMGrad, UPGrad
from plait.core.errors import DataError
from plait.training import steps_per_epoch
from plait.training.windows import windows

SEVERAL = [UPGrad(), MoDo(), SDMGrad(solver="sgd"), SDMGrad(solver="exact")]


def dealt(batches: int, accumulate: int, balancer: Balancer, used: int = 0) -> list[list[Any]]:
    rest: Any = iter(range(used, batches))
    return list(windows(rest, accumulate, balancer, used=used))


@pytest.mark.parametrize("accumulate", [1, 2, 3])
@pytest.mark.parametrize("balancer", SEVERAL)
def test_steps_are_counted_as_they_are_taken(balancer: Balancer, accumulate: int) -> None:
    size = accumulate * balancer.batches
    for batches in range(1, 14):
        if balancer.batches > 1 and batches < size:
            message = f"{balancer.batches} independent batches .*{size}.* an epoch has {batches}"
            for count in (steps_per_epoch, dealt):
                with pytest.raises(DataError, match=message):
                    count(batches, accumulate, balancer)
            continue
        found = dealt(batches, accumulate, balancer)
        assert len(found) == steps_per_epoch(batches, accumulate, balancer)
        whole = batches if balancer.batches == 1 else len(found) * size
        assert [batch for window in found for batch in window] == list(range(whole))
        assert {len(window) for window in found[:-1]} <= {size}


@pytest.mark.parametrize("balancer", SEVERAL)
def test_a_resumed_epoch_goes_on_with_the_next_window(balancer: Balancer) -> None:
    whole = dealt(13, 2, balancer)
    for done in range(1, len(whole)):
        used = sum(len(window) for window in whole[:done])
        assert dealt(13, 2, balancer, used) == whole[done:]


def test_windows_are_dealt_as_they_are_asked_for() -> None:
    """The next batches are read after the step, so that a checkpoint knows which were used."""
    read: list[int] = []

    def batches() -> Any:
        for number in range(6):
            read.append(number)
            yield number

    next(windows(batches(), 2, UPGrad()))
    assert read == [0, 1]
