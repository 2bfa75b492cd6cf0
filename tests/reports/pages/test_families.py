"""A families folder is read exactly, and its page says what its numbers say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from plotly.offline import get_plotlyjs

from plait.core.errors import DataError
from plait.reports import write_report
from plait.reports.read.families import read_families
from plait.reports.words.text import number, per_cent
from tests.reports.example import write_run
from tests.reports.family_example import write_families
from tests.reports.page import Page, read_page

FOLDERS = ["shared", "regularised", "connected"]
LABELS = ["Hard", "PairwiseL2", "CrossStitch"]
SMALL = {"epochs": 2, "steps_per_epoch": 2}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Page]:
    """What was written, and its page; the tests read both only."""
    folder = tmp_path_factory.mktemp("families")
    return write_families(folder, epochs=4, steps_per_epoch=5), read_page(write_report(folder))


def rewritten(folder: Path, found: dict[str, Any]) -> Path:
    (folder / "families.json").write_text(json.dumps(found))
    return folder


def test_every_value_is_kept(tmp_path: Path) -> None:
    written = write_families(tmp_path, **SMALL)
    found, joint, single = read_families(tmp_path)
    assert [vars(run) for run in found.runs] == written["runs"]
    assert [vars(row) for row in found.rows] == written["rows"]
    assert found.seconds.single == written["seconds"]["single"]
    assert found.parameters.single == written["parameters"]["single"]
    assert list(joint) == FOLDERS
    assert {task: run.tasks for task, run in single.items()} == {t: [t] for t in written["single"]}


def test_names_are_short_where_they_still_differ(tmp_path: Path) -> None:
    written = write_families(tmp_path, **SMALL)
    assert list(read_families(tmp_path)[0].labels.values()) == LABELS
    written["runs"][0]["name"] = "Shared parameters: CrossStitch"
    whole = [run["name"] for run in written["runs"]]
    assert list(read_families(rewritten(tmp_path, written))[0].labels.values()) == whole


@pytest.mark.parametrize(
    ("place", "value", "finding"),
    [
        (("runs",), [], r"`runs`.*at least 1"),
        (("runs", 1, "seconds"), None, r"`runs\.1\.seconds`"),
        (("runs", 1, "folder"), "shared", r"`runs` has the folder 'shared' twice"),
        (("rows", 2, "single"), "high", r"`rows\.2\.single`"),
        (("rows", 2, "values"), {"nobody": 1.0}, r"`rows\.2\.values` must be of .*'nobody'"),
        (("rows", 2, "changes"), {"nobody": 1.0}, r"`rows\.2\.changes` must be of .*'nobody'"),
        (("baseline",), "joint", r"`baseline`"),
        (("single", "mask"), "nowhere", r"nowhere/events\.jsonl cannot be read"),
        (("single", "mask"), "../other", "outside"),
        (("runs", 0, "folder"), "../other", r"must be of `runs`|outside"),
    ],
)
def test_a_broken_file_is_named(
    tmp_path: Path, place: tuple[Any, ...], value: Any, finding: str
) -> None:
    found = write_families(tmp_path / "here", tasks=("digit", "mask"), gallery=False, **SMALL)
    write_run(tmp_path / "other", epochs=1, steps_per_epoch=1)
    *path, last = place
    inner = found
    for key in path:
        inner = inner[key]
    inner[last] = value
    rewritten(tmp_path / "here", found)
    with pytest.raises(DataError, match=finding) as error:
        read_families(tmp_path / "here")
    assert "families.json" in str(error.value) or "events.jsonl" in str(error.value)


def test_a_run_outside_the_folder_is_refused(tmp_path: Path) -> None:
    found = write_families(tmp_path / "here", tasks=("digit",), gallery=False, **SMALL)
    write_run(tmp_path / "other", epochs=1, steps_per_epoch=1)
    found["runs"][0]["folder"] = "../other"
    for row in found["rows"]:
        row["values"], row["changes"] = {}, {}
    with pytest.raises(DataError, match="outside"):
        read_families(rewritten(tmp_path / "here", found))


def test_the_table_has_all_values_and_a_sign_at_the_best(
    shown: tuple[dict[str, Any], Page],
) -> None:
    found, page = shown
    head, *rows = page.tables["Single-task networks and families"]
    assert head[2:] == ["Trivial", "Single-task", *LABELS]
    for cells, row in zip(rows, found["rows"], strict=True):
        values = [row["single"], *(row["values"][folder] for folder in FOLDERS)]
        best = max(values) if row["higher_is_better"] else min(values)
        assert cells[2] == number(row["trivial"])
        assert [cell.removeprefix("★ ") for cell in cells[3:]] == [number(v) for v in values]
        starred = [cell.startswith("★ ") for cell in cells[3:]]
        assert starred == [number(value) == number(best) for value in values]


def test_values_that_read_the_same_are_all_best(tmp_path: Path) -> None:
    found = write_families(tmp_path, tasks=("digit",), gallery=False, **SMALL)
    row = found["rows"][0]
    row |= {"single": 0.90001, "values": {"shared": 0.90002, "connected": None}}
    (cells, *_) = read_page(write_report(rewritten(tmp_path, found))).tables[
        "Single-task networks and families"
    ][1:]
    assert cells[3:] == ["★ 0.9", "★ 0.9", "–", "–"]


def test_the_changes_are_in_a_table_with_their_mean(shown: tuple[dict[str, Any], Page]) -> None:
    found, page = shown
    head, mean, *rows = page.tables["Changes by family"]
    assert head[2:] == LABELS
    assert mean == ["All tasks", "Δm", *(per_cent(run["delta_m"]) for run in found["runs"])]
    for cells, row in zip(rows, found["rows"], strict=True):
        assert cells[2:] == [per_cent(row["changes"][folder]) for folder in FOLDERS]


def test_the_cost_is_against_all_single_networks(shown: tuple[dict[str, Any], Page]) -> None:
    found, page = shown
    seconds = sum(found["seconds"]["single"].values())
    single, *rows = page.tables["Cost"][1:]
    assert single[0] == "Single-task, 3 together"
    for cells, run in zip(rows, found["runs"], strict=True):
        size = run["parameters"] / found["parameters"]["single"]
        assert cells[0] == run["name"]
        assert cells[2] == f"{run['seconds'] / seconds:.2f}"
        assert cells[3:5] == [f"{run['parameters']:,}", f"{size:.2f}"]
        assert cells[5] == per_cent(run["delta_m"])


def test_the_curves_of_all_families_are_in_one_panel_of_each_task(
    shown: tuple[dict[str, Any], Page],
) -> None:
    found, page = shown
    head, *rows = page.tables["Validation"]
    main = {row["task"]: row["metric"] for row in reversed(found["rows"])}
    expected = [
        f"{task}: {main[task]}, {label}"
        for task in found["single"]
        for label in [*LABELS, "Single-task"]
    ]
    assert head[1:] == expected
    assert len(rows) == 4
    charts = [chart["id"] for chart in page.all("div", class_="plotly-graph-div")]
    assert [name for name in charts if name.startswith("validation-")] == [
        f"validation-{index}" for index in range(3)
    ]
    assert [name for name in charts if name.startswith("change-")] == [
        f"change-{index}" for index in range(1 + 3)
    ]


def test_the_settings_that_differ_stand_apart(shown: tuple[dict[str, Any], Page]) -> None:
    _, page = shown
    assert page.tables["Settings that differ"] == [
        ["Setting", *LABELS],
        ["sharing.name", "Hard", "Separate", "Separate"],
    ]
    assert page.tables["Settings of all"][1:] == [["recipe", "digits"]]


def test_what_each_family_recorded_is_under_its_name(shown: tuple[dict[str, Any], Page]) -> None:
    _, page = shown
    inside = page.text.partition("while they were trained.")[2].partition("What CrossStitch")[0]
    assert inside.index("PairwiseL2") < inside.index("Penalties") < inside.index("CrossStitch")
    assert inside.index("CrossStitch") < inside.index("MMoE: gates")
    assert "Hard" not in inside  # it has neither penalties nor anything watched


def test_the_page_fetches_nothing_and_is_described(shown: tuple[dict[str, Any], Page]) -> None:
    _, page = shown
    text = page.source.replace(get_plotlyjs(), "")
    assert not re.findall(r"https?://|@import|url\(|//[a-z]+\.[a-z]+/", text)
    addresses = [tag[name] for _, tag in page.tags for name in ("href", "src") if name in tag]
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)
    described = [each for each in page.all("div", role="img") if each["aria-label"].strip()]
    assert len(described) == len(page.all("div", class_="plotly-graph-div"))
    idents = [tag["id"] for _, tag in page.tags if "id" in tag]
    assert len(idents) == len(set(idents))


def test_text_of_users_is_never_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    found = write_families(tmp_path, tasks=(evil, "mask"), **SMALL)
    found |= {"title": evil, "note": evil}
    for run in found["runs"]:
        run |= {"name": f"{evil} {run['folder']}", "formula": evil}
    page = read_page(write_report(rewritten(tmp_path, found)))
    assert "<script>alert" not in page.source
    assert page.text.count(evil) > 10


def test_warnings_name_their_family(tmp_path: Path) -> None:
    write_families(tmp_path, **SMALL)
    with (tmp_path / "connected" / "events.jsonl").open("a") as file:
        file.write('{"event": "warning", "step": 2, "text": "a gate has collapsed"}\n{"event"')
    page = read_page(write_report(tmp_path))
    assert "CrossStitch, step 2:" in page.text
    assert "The last line of the events.jsonl of CrossStitch is cut off." in page.text


def test_runs_without_metrics_configurations_and_examples_are_said(tmp_path: Path) -> None:
    found = write_families(tmp_path, gallery=False, **SMALL)
    for folder in [*FOLDERS, *found["single"].values()]:
        events = tmp_path / folder / "events.jsonl"
        lines = events.read_text().splitlines(keepends=True)
        events.write_text("".join(line for line in lines if '"step"' in line[:20]))
        (tmp_path / folder / "config.yaml").unlink()
        (tmp_path / folder / "env.json").unlink()
    page = read_page(write_report(tmp_path))
    for sentence in (
        "No metric was evaluated.",
        "No examples were saved with the best run",
        "There is no config.yaml",
        "There is no env.json",
    ):
        assert sentence in page.text


def test_many_tasks_are_a_heat_map_and_counted(tmp_path: Path) -> None:
    tasks = tuple(f"diagnosis {i:03d}" for i in range(139))
    write_families(tmp_path, tasks, epochs=1, steps_per_epoch=2, gallery=False)
    page = read_page(write_report(tmp_path))
    charts = [chart["id"] for chart in page.all("div", class_="plotly-graph-div")]
    assert [name for name in charts if name.startswith("change-")] == ["change-0", "change-map"]
    assert "Drawn are 12 of 139 tasks" in page.text
    assert re.search(r"\d+ tasks better; \d+ tasks worse", page.text)
    assert len(page.source) - len(get_plotlyjs()) < 3_000_000
