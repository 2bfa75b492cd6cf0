"""When an estimate is made anew."""

import pytest
import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.regularization.bases.estimating import Estimating
from tests.regularization.nets import networks, tied


class Mean(Estimating):
    """Estimates the mean of all tied parameters; counts how often."""

    mean: Tensor

    def start(self) -> None:
        self.register_buffer("mean", torch.zeros(()))
        self.estimates = 0

    @torch.no_grad()
    def estimate(self) -> None:
        self.mean.copy_(torch.cat([p.flatten() for group in self.groups for p in group]).mean())
        self.estimates += 1

    def cost(self) -> Tensor:
        return sum((p - self.mean).square().sum() for group in self.groups for p in group)


def stepped(steps: int, **options: float) -> Mean:
    nets = networks("ab")
    regularizer = tied(Mean(**{"strength": 1.0, **options}), nets)
    optimizer = torch.optim.SGD([p for net in nets.values() for p in net.parameters()], lr=0.1)
    for _ in range(steps):
        regularizer.after_step(optimizer)
    return regularizer


@pytest.mark.parametrize(("every", "steps", "estimates"), [(1, 5, 5), (3, 8, 2), (4, 3, 0)])
def test_the_estimate_is_made_every_so_many_steps(every: int, steps: int, estimates: int) -> None:
    regularizer = stepped(steps, every=every)
    assert regularizer.estimates == estimates
    assert int(regularizer.steps) == steps
    parameters = torch.cat([p.flatten() for group in regularizer.groups for p in group])
    expected = parameters.mean() if estimates else torch.zeros(())
    torch.testing.assert_close(regularizer.mean, expected.detach(), check_dtype=False)


def test_without_strength_nothing_is_estimated() -> None:
    assert stepped(3, strength=0.0).estimates == 0


def test_the_count_of_steps_is_saved_so_that_a_resumed_run_keeps_the_rhythm() -> None:
    before = stepped(2, every=3)
    after = stepped(0, every=3)
    after.load_state_dict(before.state_dict())
    nets = [p for group in after.groups for p in group]
    after.after_step(torch.optim.SGD(nets, lr=0.1))
    assert after.estimates == 1


def test_a_rhythm_below_one_step_is_refused() -> None:
    with pytest.raises(ConfigError, match="`every` must be at least 1 step; found 0"):
        Mean(strength=1.0, every=0)
