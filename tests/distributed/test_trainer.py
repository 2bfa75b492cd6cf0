"""The Trainer trains in two processes what it trains in one, and says the same of it."""

import math
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.distributed.group import Group, Groups
from tests.distributed.trainers import (
    CASES,
    evaluated,
    exchanges,
    fit,
    interrupted,
    normalised,
    own_loader,
    refused,
    told,
)
from tests.training.problem import events


def check(found: list[dict[str, Any]], wanted: dict[str, Any]) -> None:
    first, *others = found
    for each in others:
        assert all(torch.equal(value, each["model"][key]) for key, value in first["model"].items())
    for each in found:
        for name, value in wanted["model"].items():
            torch.testing.assert_close(each["model"][name], value, rtol=0, atol=1e-6)
        for name, value in wanted["constants"].items():
            torch.testing.assert_close(each["constants"][name], value, rtol=0, atol=1e-6)
        assert each["score"] == pytest.approx(wanted["score"], abs=1e-6)
        for name, values in wanted["metrics"].items():
            assert each["metrics"][name] == pytest.approx(values, abs=1e-6, nan_ok=True)
        for name in ("best", "step", "read"):
            assert each[name] == wanted[name], name
        assert not each["coverage"] or each["coverage"] == wanted["coverage"]


@pytest.mark.parametrize("case", CASES)
def test_two_processes_are_one(two: Group, case: str) -> None:
    """31 rows by 7: the last batch has three, and one process has one of them."""
    check(two(fit, case), fit(case))


@pytest.mark.slow
@pytest.mark.parametrize("case", ["hard", "accumulated"])
def test_four_processes_are_one(groups: Groups, case: str) -> None:
    """Of the last batch, which has three rows, one process has none."""
    check(groups.of(4)(fit, case), fit(case))


def close(one: Any, other: Any) -> bool:
    """Whether two entries of a log are the same up to rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-5)
    return bool(one == other)


@pytest.mark.parametrize("case", ["accumulated", "penalty of outputs", "mixture"])
def test_rank_0_writes_the_run_of_one_process(two: Group, tmp_path: Path, case: str) -> None:
    check(two(fit, case, str(tmp_path / "two")), fit(case, str(tmp_path / "one")))
    for here, there in zip(events(tmp_path / "two"), events(tmp_path / "one"), strict=True):
        assert close(here, there), (here, there)
    names = [{p.name for p in (tmp_path / run).rglob("*")} for run in ("one", "two")]
    assert names[0] == names[1]


@pytest.mark.parametrize("step", [2, 7])
@pytest.mark.parametrize("by", ["one", "two"])
def test_a_signal_at_one_rank_stops_all_and_any_number_goes_on(
    two: Group, tmp_path: Path, step: int, by: str
) -> None:
    """An epoch has five steps: in the first one, labels are still being counted."""
    run = str(tmp_path / "run")
    assert two(interrupted, "hard", run, step, 1) == [(signal.SIGTERM, step)] * 2
    wanted = fit("hard")
    if by == "two":
        check(two(resumed, "hard", run), wanted)
    else:
        check([resumed("hard", run)] * 2, wanted)


def test_a_run_of_one_process_goes_on_in_two(two: Group, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    assert interrupted("accumulated", run, 2, 0) == (signal.SIGTERM, 2)
    check(two(resumed, "accumulated", run), fit("accumulated"))


def resumed(case: str, run: str) -> dict[str, Any]:
    return fit(case, run, resume=True)


def test_an_error_of_rank_0_is_that_of_all(two: Group, tmp_path: Path) -> None:
    fit("one pass", str(tmp_path / "run"))
    first, second = two(refused, "one pass", str(tmp_path / "run"))
    assert first == second
    assert "holds a run" in first


def test_statistics_of_batches_are_averaged(two: Group) -> None:
    (first, score), (second, other) = two(normalised)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert score == other
    alone, _ = normalised()
    name = next(name for name in first if "running_mean" in name)
    torch.testing.assert_close(first[name], alone[name], rtol=0, atol=1e-9)
    assert alone[name].abs().min() > 0


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("layers", "route='layers' sees"),
        ("buffer", "the buffer sharing.encoder"),
    ],
)
def test_refused_in_all_processes(two: Group, what: str, reason: str) -> None:
    first, second = two(told, what)
    assert first == second
    assert reason in first


@pytest.mark.parametrize(
    "kind", ["one by one", pytest.param("workers", marks=pytest.mark.slow), "sampler"]
)
def test_loaders_of_examples(two: Group, kind: str) -> None:
    first, second = two(own_loader, kind)
    assert all(torch.equal(first[name], second[name]) for name in first)
    if kind != "sampler":  # it repeats a row, to give each process as many
        for name, value in own_loader(kind).items():
            torch.testing.assert_close(first[name], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("case", "hosts", "devices"), [("hard", 4, 3), ("one pass", 4, 3), ("features", 5, 4)]
)
def test_exchanges_of_a_step(two: Group, case: str, hosts: int, devices: int) -> None:
    """Label counts, what is reached, whose gradients are left, and whether a signal has come."""
    assert two(exchanges, case) == [hosts + devices] * 2


def test_a_process_evaluates_alone(two: Group) -> None:
    """Metrics of torchmetrics would wait for the others, and count what each has read."""
    for only in (0, 1):
        assert two(evaluated, only)[only] == evaluated(0)
