"""When a step is written, and when with cosines."""

from pathlib import Path

import pytest

from tests.training.problem import events, train_loader, trainer


@pytest.mark.parametrize(("balancer", "every"), [("Equal", 2), ("UPGrad", 1)])
def test_cosines_are_there_where_gradients_were_measured(
    balancer: str, every: int, tmp_path: Path
) -> None:
    trainer(tmp_path, balancer, measure_every=2).fit(train_loader())
    steps = [each for each in events(tmp_path) if each["event"] == "step"]
    assert [each["step"] for each in steps if "cosines" in each] == [
        each["step"] for each in steps if each["step"] % every == 0
    ]
