"""Which parts of a model are divided among processes, and who measures it."""

import signal
from pathlib import Path

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.distributed import ALONE, ranks
from plait.sharing import CGC, Hard, MMoE, Separate
from plait.training import Trainer
from plait.training.parallel import (
    _units,
    check_parts,
    measured,
    spread,
    start_alike,
    whole_at_first,
)
from tests.distributed.group import Group
from tests.distributed.sharded import alone, channels_last, sharded_fit, stopped
from tests.distributed.test_trainer import check, resumed
from tests.distributed.trainers import batches, data, fit, interrupted, model, trainer


def test_one_process_keeps_all_of_the_model() -> None:
    made = model()
    before = [*made.parameters()]
    assert spread(made, "shard", torch.device("cpu")) is made
    assert all(one is two for one, two in zip(made.parameters(), before, strict=True))
    assert measured(made, lambda: 3) == 3
    check_parts(made, empty=True, here=ALONE)


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ConfigError, match="parallel"):
        Trainer(model(), parallel="split", progress=False)


def test_units_are_the_modules_of_a_chain() -> None:
    chain = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Sequential(nn.Linear(2, 2)))
    assert list(_units(chain)) == [chain[0], chain[2][0]]
    assert list(_units(nn.ReLU())) == []
    assert list(_units(chain[0])) == [chain[0]]
    chain.requires_grad_(False)
    assert list(_units(chain)) == []


def test_stages_that_every_task_reads() -> None:
    assert len(model().sharing.common_stages()) == 2
    assert len(model(lambda e: Hard(e, attach={"odd": 0})).sharing.common_stages()) == 1
    assert len(model(lambda e: MMoE(e, experts=3)).sharing.common_stages()) == 6
    assert (
        len(model(lambda e: CGC(e, task_experts=1, shared_experts=2)).sharing.common_stages()) == 4
    )
    assert model(Separate).sharing.common_stages() == []
    groups = [["size", "kind"], ["odd"]]
    assert model(lambda e: Hard(e, groups=groups)).sharing.common_stages() == []


CASES = ["hard", "one pass", "learned weights", "read again", "experts", "features"]
MORE = ["accumulated", "by label", "schedule", "start counts", "features at times", "stream"]


@pytest.mark.parametrize("case", CASES)
def test_two_processes_with_parts_are_one(two: Group, case: str) -> None:
    check(two(sharded_fit, case), fit(case))


@pytest.mark.slow
@pytest.mark.parametrize("case", MORE)
def test_more_of_what_two_processes_with_parts_train(two: Group, case: str) -> None:
    check(two(sharded_fit, case), fit(case))


def test_rank_0_has_a_model_that_it_runs_alone(two: Group) -> None:
    (sharded, found), (others, none) = two(alone, 0)
    assert (sharded, others, none) == (False, True, None)
    made = trainer("hard")
    made.fit(batches())
    torch.testing.assert_close(found, made.model(data().inputs)["size"].detach())
    assert whole_at_first(made.model) is made.model


def test_weights_that_do_not_lie_in_their_order(two: Group) -> None:
    first, second = two(channels_last)
    assert first == second
    assert first[0]
    assert first[1] == pytest.approx(channels_last()[1], abs=1e-5)


@pytest.mark.parametrize("by", ["parts", "one"])
def test_a_run_with_parts_goes_on_in_any_way(two: Group, tmp_path: Path, by: str) -> None:
    """One plain process reads what two with parts have written."""
    run = str(tmp_path / "run")
    assert two(stopped, "hard", run, 7) == [(signal.SIGTERM, 7)] * 2
    if by == "parts":
        check(two(sharded_fit, "hard", run, True), fit("hard"))
    else:
        check([resumed("hard", run)] * 2, fit("hard"))


def test_a_run_of_one_process_goes_on_with_parts(two: Group, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    assert interrupted("one pass", run, 7, 0) == (signal.SIGTERM, 7)
    check(two(sharded_fit, "one pass", run, True), fit("one pass"))


def alike() -> list[torch.Tensor]:
    torch.manual_seed(ranks().rank)
    model, balancer = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), nn.Linear(1, 1)
    model[1].running_mean.fill_(ranks().rank)
    start_alike(model, balancer)
    return [*model.state_dict().values(), *balancer.state_dict().values()]


def test_they_start_alike(two: Group) -> None:
    first, second = two(alike)
    assert all(map(torch.equal, first, second))
    assert first[4].tolist() == [0.0, 0.0], "the running mean of rank 0"
