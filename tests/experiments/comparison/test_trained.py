"""The networks of a member as one: their scores together, and what failed."""

from plait.experiments.comparison.member import SINGLE
from plait.experiments.comparison.trained import MemberRuns, Trained
from tests.experiments.comparison.test_outcome import result


def test_scores_of_all_networks_are_one_table() -> None:
    runs = MemberRuns(
        SINGLE,
        {
            "kind": [Trained(result(1.0, {"kind": 0.5}), resampled={"kind": {"accuracy": [0.4]}})],
            "size": [Trained(result(1.0, {"size": 4.0}), resampled={"size": {"mae": [3.0]}})],
        },
    )
    assert runs.test(0)["kind"]["accuracy"] == 0.5
    assert runs.validation(0)["size"]["mae"] == 2.0
    assert runs.resampled(0) == {"kind": {"accuracy": [0.4]}, "size": {"mae": [3.0]}}
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
