"""What a comparison adds up, and what it refuses."""

import json
import math
import statistics
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.typed_json import without_nan
from plait.runs import Comparison, MemberResult, MetricRow, Network
from plait.runs.comparison import Change, mean, read_comparison, spread, write_comparison
from plait.runs.comparison_csv import as_csv
from plait.runs.folder import COMPARISON, COMPARISON_CSV, is_run
from tests.runs.made import compared, member_result, network

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5)


def member(name: str, title: str = "") -> MemberResult:
    return member_result(
        name=name,
        title=title or name,
        folders=[f"seed-0/{name}", f"seed-1/{name}"],
        seconds=[10.0, 20.0],
        parameters=70,
        delta_m=[1.0, 3.0],
    )


def single(place: int) -> Network:
    return network(folders=["a", "b"], seconds=[1.0 + place, 3.0 + place], parameters=40)


def row(task: str, metric: str, *names: str) -> MetricRow:
    return MetricRow(
        task=task,
        metric=metric,
        higher_is_better=True,
        trivial=[0.1, 0.1],
        single=[0.5, 0.4],
        joint={name: [0.6, 0.5] for name in names},
        changes={name: [20.0, 25.0] for name in names},
    )


TWO = compared(
    title="t",
    note="",
    seeds=[0, 1],
    members=[member("x", "Family: X"), member("y", "Family: Y")],
    single={"b": single(0), "a": single(4)},
    rows=[row("a", "m", "x", "y"), row("b", "m", "x", "y"), row("a", "n", "x", "y")],
)

CHANGE = Change(
    member="other",
    task="a",
    metric="m",
    mean=1.0,
    deviation=0.5,
    low=0.0,
    high=2.0,
    p=0.1,
    adjusted=0.2,
    verdict="no clear difference",
)


def test_a_change_is_found_by_its_names() -> None:
    known = replace(CHANGE, member="x")
    total = replace(known, task="", metric="delta_m")
    found = replace(TWO, changes=[known, total])
    assert found.change("x", "a") == known
    assert found.change("x", "a", "m") == known
    assert found.change("x") == total
    assert found.change("y", "a") is None


@given(VALUES)
def test_mean_and_spread_are_those_of_statistics(values: list[float]) -> None:
    assert mean(values) == pytest.approx(statistics.fmean(values), abs=1e-6)
    if len(values) == 1:
        assert spread(values) is None
    else:
        assert spread(values) == pytest.approx(statistics.stdev(values))


def test_a_value_that_is_not_known_makes_mean_and_spread_unknown() -> None:
    assert math.isnan(mean([1.0, math.nan]))
    found = spread([1.0, math.nan])
    assert found is not None
    assert math.isnan(found)


def test_rows_by_task_in_the_order_of_the_tasks() -> None:
    assert {task: [each.metric for each in rows] for task, rows in TWO.tasks.items()} == {
        "b": ["m"],
        "a": ["m", "n"],
    }
    assert list(TWO.tasks) == ["b", "a"]


def test_single_task_networks_count_together() -> None:
    assert TWO.baseline.seconds == [1.0 + 5.0, 3.0 + 7.0]
    assert TWO.baseline.parameters == 80


def test_the_best_has_the_greatest_mean_and_is_the_first_of_equal_ones() -> None:
    def of(**means: list[float]) -> Comparison:
        members = [replace(member(name), delta_m=each) for name, each in means.items()]
        return replace(TWO, members=members)

    def best(**means: list[float]) -> str | None:
        found = of(**means).best
        return None if found is None else found.name

    assert best(x=[1.0, 1.0], y=[0.0, 4.0], z=[2.0, 2.0]) == "y"
    assert best(x=[math.nan, 9.0], y=[-1.0, -1.0]) == "y"
    assert best(x=[math.nan, 9.0]) is None


def test_labels_are_short_where_they_still_differ() -> None:
    assert TWO.labels == {"x": "X", "y": "Y"}
    merged = [replace(TWO.members[0], kind="merged"), TWO.members[1]]
    assert replace(TWO, members=merged).labels == {"x": "Family: X", "y": "Y"}
    alike = [member("x", "Family: X"), member("y", "Other: X")]
    assert replace(TWO, members=alike).labels == {"x": "Family: X", "y": "Other: X"}


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"members": []}, "at least one member and one seed"),
        ({"seeds": []}, "at least one member and one seed"),
        ({"seeds": [0]}, "must have one entry for each of 1 seeds; found 2"),
        ({"members": [member("x"), member("x")]}, "'x' twice"),
        ({"metrics": {"a": {}}}, "member 'single' has the task 'b', which is not known"),
        (
            {"baseline": replace(TWO.baseline, networks={"a": replace(single(0), seconds=[])})},
            "one",
        ),
        ({"changes": [CHANGE]}, r"`changes\.0\.member` is not known: 'other'"),
    ],
)
def test_what_does_not_fit_together_is_refused(changed: dict[str, object], finding: str) -> None:
    with pytest.raises(ValueError, match=finding):
        replace(TWO, **changed)  # type: ignore[arg-type]


def test_the_file_is_the_class(tmp_path: Path) -> None:
    write_comparison(tmp_path, TWO)
    written = json.loads((tmp_path / COMPARISON).read_text())
    assert written == without_nan(asdict(TWO))
    assert asdict(read_comparison(tmp_path)).keys() == written.keys()
    assert as_csv(TWO.rows_of_table, TWO.seeds) == (tmp_path / COMPARISON_CSV).read_text()
    assert is_run(tmp_path)
