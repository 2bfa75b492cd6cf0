"""``plait doctor``: the machine, two processes, and a run."""

import json

import pytest

from plait.distributed import pair
from plait.distributed.pair import Pair
from tests.cli.shell import plait
from tests.experiments.tiny import TINY

GOOD, BAD = Pair("gloo", 0.012), Pair("gloo", 0.0, "no network")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Pair]:
    """What the two processes find, which are not started."""
    answers = [GOOD]
    monkeypatch.setattr(pair, "try_pair", lambda: answers[-1])
    return answers


def test_the_machine_alone(found: list[Pair]) -> None:
    ran = plait("doctor")
    assert ran.code == 0
    assert ran.out.count("\n") == 3
    assert ran.err == "plait: starting two processes\n"


def test_two_processes_that_cannot(found: list[Pair]) -> None:
    found.append(BAD)
    ran = plait("doctor", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["pair"]["fault"] == "no network"
    assert "run" not in json.loads(ran.out)


@pytest.mark.parametrize(
    ("words", "way"),
    [
        (["balancing=UPGrad"], "rows"),
        (["balancing=UPGrad", "at=features"], "features"),
        ([], "one pass"),
    ],
)
def test_a_run(found: list[Pair], words: list[str], way: str) -> None:
    ran = plait("doctor", TINY, *words, "--json")
    run = json.loads(ran.out)["run"]
    assert run["processes"] == way
    shared = 4 * sum(each["parameters"] for each in run["totals"] if len(each["tasks"]) > 1)
    own = 4 * sum(each["parameters"] for each in run["totals"] if len(each["tasks"]) == 1)
    assert run["rows"] == (3 * shared if way == "rows" else 0)
    assert run["summed"] == own + (3 if way == "rows" else 1) * shared
    lines = plait("doctor", TINY, *words).out.splitlines()
    assert lines[-1].startswith("Several processes (--nproc) would take a step ")


@pytest.mark.parametrize(("balancing", "passes"), [("UPGrad", 3), ("Equal", 1)])
def test_a_run_with_parts_of_the_model(found: list[Pair], balancing: str, passes: int) -> None:
    """All that the tasks share is in parts: gathered for each pass, and scattered."""
    ran = plait("doctor", TINY, f"balancing={balancing}", "parallel=shard", "--json")
    run = json.loads(ran.out)["run"]
    shared, own = (
        4 * sum(each["parameters"] for each in run["totals"] if (len(each["tasks"]) > 1) == several)
        for several in (True, False)
    )
    assert (run["gathered"], run["summed"]) == ((1 + 2 * passes) * shared, own)
    assert run["rows"] == (3 * shared if passes > 1 else 0)


def test_a_way_that_one_process_goes_alone(found: list[Pair]) -> None:
    ran = plait("doctor", TINY, "balancing=UPGrad", "route=layers")
    assert ran.out.splitlines()[-1] == "Several processes cannot train with UPGrad so."
