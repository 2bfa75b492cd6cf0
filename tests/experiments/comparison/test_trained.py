"""The networks of a member as one: their scores together, and what failed."""

from plait.experiments.comparison.member import SINGLE
from plait.experiments.comparison.trained import MemberRuns, Trained
from plait.runs.resamples import Resamples
from tests.experiments.comparison.test_outcome import result


def drawn(task: str) -> Resamples:
    return Resamples(draws=1, of="rows", units={task: 5}, metrics={task: {"m": [0.4]}})


def test_scores_of_all_networks_are_one_table() -> None:
    runs = MemberRuns(
        SINGLE,
        {
            "kind": [Trained(result(1.0, {"kind": 0.5}), resamples=drawn("kind"))],
            "size": [Trained(result(1.0, {"size": 4.0}), resamples=drawn("size"))],
        },
    )
    assert runs.test(0)["kind"]["accuracy"] == 0.5
    assert runs.validation(0)["size"]["mae"] == 2.0
    assert runs.resamples(0, "size") == drawn("size")
    whole = MemberRuns(SINGLE, {"": [Trained(None, resamples=drawn("kind"))]})
    assert whole.resamples(0, "size") == drawn("kind"), "the one network is that of each task"
    assert runs.failed(0) == ""


def test_what_failed_is_named_by_its_task() -> None:
    runs = MemberRuns(
        SINGLE,
        {
            "kind": [Trained(None, failed="the loss is NaN")],
            "size": [Trained(result(1.0, {"size": 4.0}))],
        },
    )
    assert runs.failed(0) == "kind: the loss is NaN"
    assert runs.test(0).keys() == {"size"}
    whole = MemberRuns(SINGLE, {"": [Trained(None, failed="the loss is NaN")]})
    assert whole.failed(0) == "the loss is NaN"
