"""Planned members become trained ones; what they come to is tested in test_compare.py."""

from pathlib import Path

from plait.experiments import JOINT, open_problem, validate, with_defaults
from plait.experiments.comparison.plan import joint, single
from plait.experiments.comparison.runner import Runner
from tests.experiments.tiny import TINY


def test_results_are_in_the_order_of_the_seeds_and_failures_among_them(tmp_path: Path) -> None:
    config = validate(
        with_defaults({"recipe": TINY, "epochs": 1, "gallery": 0, "tasks": ["quarter", "spot"]})
    )
    said: list[str] = []
    runner = Runner(
        folder=tmp_path,
        problem=open_problem(config),
        config=config,
        seeds=[4, 5],
        resamples=20,
        say=said.append,
    )
    whole, parts = runner.trained([joint(config, JOINT[0]), single(config, ["quarter", "spot"])])
    assert [one.result.seed for one in whole.networks[""] if one.result] == [4, 5]
    assert [one.folder for one in parts.networks["spot"]] == [
        tmp_path / "seed-4/single-spot",
        tmp_path / "seed-5/single-spot",
    ]
    drawn = whole.resamples(1, "quarter")
    assert drawn is not None
    assert len(drawn.metrics["quarter"]["accuracy"]) == 20
    assert len(said) == 6
    (first,) = runner.trained([joint(config, JOINT[0])], seeds=[4])
    assert first.networks[""][0].result == whole.networks[""][0].result
