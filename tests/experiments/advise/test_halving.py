"""Candidates that are behind end early."""

from pathlib import Path

from plait.experiments import Member, open_problem, validate, with_defaults
from plait.experiments.advise.candidates import Reasoned
from plait.experiments.advise.halving import halve
from plait.experiments.comparison.runner import Runner
from tests.experiments.tiny import TINY, tree


def test_the_worse_is_dropped_and_what_fails_is_told(tmp_path: Path) -> None:
    few = {"recipe": TINY, "epochs": 6, "gallery": 0, "tasks": ["quarter", "spot"]}
    config = validate(with_defaults(few))
    runner = Runner(folder=tmp_path, problem=open_problem(config), config=config, seeds=[0])
    members = [
        Member("same", "Same"),
        Member("slow", "Slow", settings={"optimizer": {"lr": 1e-9}}),
        Member("wild", "Wild", settings={"optimizer": {"lr": 1e30}}),
    ]
    reasoned = [Reasoned(member, "why not") for member in members]
    same, slow, wild = halve(reasoned, config, runner)
    assert (same.outcome, same.epochs) == ("tried in full", 6)
    assert slow.outcome == "dropped after 2 epochs"
    assert wild.outcome.startswith("failed: ")
    before = tree(tmp_path / "same")
    again = halve(reasoned, config, runner)
    assert [each.outcome for each in again] == [same.outcome, slow.outcome, wild.outcome]
    assert {n: d for n, d in tree(tmp_path / "same").items() if n != ".lock"} == {
        n: d for n, d in before.items() if n != ".lock"
    }
