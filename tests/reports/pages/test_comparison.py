"""The page of a comparison says what its numbers say, for one member and for several."""

import re
from pathlib import Path
from typing import Any

import pytest
from plotly.offline import get_plotlyjs

from plait.reports import write_report
from plait.reports.words.text import number, number_over, per_cent, per_cent_over
from plait.runs.comparison import mean
from tests.reports.comparison_example import FAMILIES, read, rewritten, write_comparison
from tests.reports.page import Page, read_page

Shown = tuple[dict[str, Any], Page]

NAMES = list(FAMILIES)
LABELS = ["Hard", "PairwiseL2", "CrossStitch"]
SMALL = {"epochs": 2, "steps_per_epoch": 2}
VALUES = "Joint against single-task training"
EVIL = "<script>alert(1)</script>"


def written(folder: Path, **options: Any) -> Shown:
    found = write_comparison(folder, **options)
    return found, read_page(write_report(folder))


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """One member; the tests read only."""
    return written(tmp_path_factory.mktemp("joint"), epochs=4, steps_per_epoch=5)


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Three members; the tests read only."""
    folder = tmp_path_factory.mktemp("families")
    return written(folder, members=FAMILIES, epochs=4, steps_per_epoch=5)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Three members from two seeds; the tests read only."""
    folder = tmp_path_factory.mktemp("seeds")
    return written(folder, members=FAMILIES, seeds=(3, 4), **SMALL)


def charts(page: Page, name: str) -> list[str]:
    found = [chart["id"] for chart in page.all("div", class_="plotly-graph-div")]
    return [each for each in found if each.rpartition("-")[0] == name]


# --- one member -----------------------------------------------------------------------------


def test_a_lone_member_has_its_change_in_each_row(joint: Shown) -> None:
    found, page = joint
    for cells, row in zip(page.tables[VALUES][1:], found["rows"], strict=True):
        (change,) = row["changes"]["joint"]
        assert cells[2].removeprefix("★ ") == number(*row["joint"]["joint"])
        assert cells[3] == per_cent(change)
        assert cells[4].removeprefix("★ ") == number(*row["single"])
        assert cells[5] == number(*row["trivial"])
        assert cells[6] == ("better" if change > 0 else "worse")


def test_a_lone_member_has_all_charts_of_its_run_beside_the_single_ones(joint: Shown) -> None:
    found, page = joint
    (mean_change,) = found["members"][0]["delta_m"]
    assert f"{per_cent(mean_change, sign='')} better" in page.text
    assert found["note"] in page.text
    tasks = list(found["single"])
    assert page.tables["Training loss"][0][1:] == [x for t in tasks for x in (t, f"{t}, alone")]
    for chart, count in {
        "loss": 3,
        "validation": 3,
        "weights": 1,
        "conflict": 2,
        "rate": 1,
    }.items():
        assert len(charts(page, chart)) == count
    assert charts(page, "change") == ["change-0"]


def test_a_lone_member_is_judged_task_by_task(joint: Shown) -> None:
    found, page = joint
    assert len(page.all("ul", class_="verdicts")) == 1
    for row in found["rows"]:
        (change,) = row["changes"]["joint"]
        words = "better" if change > 0 else "worse"
        judged = f"({per_cent(change, sign='')} {words})".replace(" ", "\N{NO-BREAK SPACE}")
        assert judged in page.text


def test_of_many_changes_the_ends_are_drawn(tmp_path: Path) -> None:
    tasks = tuple(f"task {i}" for i in range(15))
    found = write_comparison(tmp_path, tasks, gallery=False, **SMALL)
    for place, row in enumerate(found["rows"]):
        row["changes"] = {"joint": [float(place)]}
    (bars,) = [
        each["aria-label"]
        for each in read_page(write_report(rewritten(tmp_path, found))).all("div", role="img")
        if "task 0: accuracy +0.0" in each["aria-label"]
    ]
    assert bars.count("task") == 24
    assert "task 14: f1 +29.0" in bars
    assert "task 7: accuracy" not in bars  # in the middle


# --- several members ------------------------------------------------------------------------


def test_the_table_has_all_values_and_a_sign_at_the_best(families: Shown) -> None:
    found, page = families
    head, *rows = page.tables[VALUES]
    assert head[2:] == [*LABELS, "Single-task", "Trivial"]
    for cells, row in zip(rows, found["rows"], strict=True):
        values = [*(value for (value,) in row["joint"].values()), *row["single"]]
        best = max(values) if row["higher_is_better"] else min(values)
        assert cells[-1] == number(*row["trivial"])
        assert [cell.removeprefix("★ ") for cell in cells[2:-1]] == [number(v) for v in values]
        starred = [cell.startswith("★ ") for cell in cells[2:-1]]
        assert starred == [number(value) == number(best) for value in values]


def test_values_that_read_the_same_are_all_best(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, ("digit",), members=FAMILIES, gallery=False, **SMALL)
    joint = {"shared": [0.90002], "tied": [float("nan")], "connected": [0.8]}
    found["rows"][0] |= {"single": [0.90001], "joint": joint}
    cells = read_page(write_report(rewritten(tmp_path, found))).tables[VALUES][1]
    assert cells[2:-1] == ["★ 0.9", "–", "0.8", "★ 0.9"]


def test_an_undefined_metric_is_said_with_its_reason(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, ("digit",), members=FAMILIES, gallery=False, **SMALL)
    joint = {"shared": [0.9], "tied": [float("nan")], "connected": [0.8]}
    found["rows"][0] |= {"single": [0.7], "joint": joint, "undefined": "all labels are 3"}
    page = read_page(write_report(rewritten(tmp_path, found)))
    assert page.tables[VALUES][1][2:-1] == ["★ 0.9", "undefined", "0.8", "0.7"]
    metric = found["rows"][0]["metric"]
    assert f"{metric} of digit is undefined, because all labels are 3." in page.source


def test_the_changes_are_in_a_table_with_their_mean(families: Shown) -> None:
    found, page = families
    head, means, *rows = page.tables["Changes"]
    assert head[2:] == LABELS
    assert means == ["All tasks", "Δm", *(per_cent(*each["delta_m"]) for each in found["members"])]
    for cells, row in zip(rows, found["rows"], strict=True):
        assert cells[2:] == [per_cent(*row["changes"][name]) for name in NAMES]


def test_the_cost_is_against_all_single_networks(families: Shown) -> None:
    found, page = families
    seconds = sum(sum(each["seconds"]) for each in found["single"].values())
    parameters = sum(each["parameters"] for each in found["single"].values())
    single, *rows = page.tables["Cost"][1:]
    assert single[0] == "Single-task, 3 together"
    for cells, member in zip(rows, found["members"], strict=True):
        assert cells[0] == member["title"]
        assert cells[2] == f"{member['seconds'][0] / seconds:.2f}"
        ratio = f"{member['parameters'] / parameters:.2f}"
        assert cells[3:5] == [f"{member['parameters']:,}", ratio]
        assert cells[5] == per_cent(*member["delta_m"])


def test_the_curves_of_all_members_are_in_one_panel_of_each_task(families: Shown) -> None:
    found, page = families
    head, *rows = page.tables["Validation"]
    main = {row["task"]: row["metric"] for row in reversed(found["rows"])}
    expected = [
        f"{task}: {main[task]}, {label}"
        for task in found["single"]
        for label in [*LABELS, "Single-task"]
    ]
    assert head[1:] == expected
    assert len(rows) == 4
    assert charts(page, "validation") == [f"validation-{index}" for index in range(3)]
    assert charts(page, "change") == [f"change-{index}" for index in range(1 + 3)]


def test_the_settings_that_differ_stand_apart(families: Shown) -> None:
    _, page = families
    assert page.tables["Settings that differ"] == [
        ["Setting", *LABELS],
        ["sharing.name", "Hard", "Separate", "Separate"],
    ]
    assert page.tables["Settings of all"][1:] == [["recipe", "digits"]]


def test_what_each_member_recorded_is_under_its_name(families: Shown) -> None:
    _, page = families
    inside = page.text.partition("while they were trained.")[2].partition("What CrossStitch")[0]
    assert inside.index("PairwiseL2") < inside.index("Penalties") < inside.index("CrossStitch")
    assert inside.index("CrossStitch") < inside.index("MMoE: gates")
    assert "Hard" not in inside  # it has neither penalties nor anything watched


def test_many_tasks_are_a_heat_map_and_counted(tmp_path: Path) -> None:
    tasks = tuple(f"diagnosis {i:03d}" for i in range(139))
    sizes = {"epochs": 1, "steps_per_epoch": 2, "gallery": False}
    _, page = written(tmp_path, tasks=tasks, members=FAMILIES, **sizes)
    assert charts(page, "change") == ["change-0", "change-map"]
    assert "Drawn are 12 of 139 tasks" in page.text
    assert re.search(r"\d+ tasks better; \d+ tasks worse", page.text)
    assert len(page.source) - len(get_plotlyjs()) < 3_000_000


# --- several seeds --------------------------------------------------------------------------


def test_tables_show_mean_and_spread_over_the_seeds(seeds: Shown) -> None:
    found, page = seeds
    for cells, row in zip(page.tables[VALUES][1:], found["rows"], strict=True):
        values = [*row["joint"].values(), row["single"]]
        shown = cells[2:-1]
        assert [cell.removeprefix("★ ") for cell in shown] == [number_over(v) for v in values]
        assert all("±" in cell for cell in shown)
    means = [per_cent_over(member["delta_m"]) for member in found["members"]]
    assert page.tables["Changes"][1][2:] == means
    assert [row[5] for row in page.tables["Cost"][2:]] == means


def test_the_cost_is_the_mean_over_the_seeds(seeds: Shown) -> None:
    found, page = seeds
    total = sum(mean(each["seconds"]) for each in found["single"].values())
    for cells, member in zip(page.tables["Cost"][2:], found["members"], strict=True):
        assert cells[2] == f"{mean(member['seconds']) / total:.2f}"


def test_it_says_what_is_of_one_seed(seeds: Shown) -> None:
    _, page = seeds
    assert "Curves and examples are those of seed 3." in page.text
    assert "from seed 3, " in page.text
    assert "Bars: the mean over the seeds; circles: each seed." in page.text


def test_with_one_seed_nothing_is_said_of_several(families: Shown) -> None:
    _, page = families
    assert "±" not in page.text
    assert "those of seed" not in page.text
    assert "runs with other seeds would tell" in " ".join(page.text.split())


# --- any comparison -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["joint", "families", "seeds"])
def test_the_page_fetches_nothing_and_is_described(
    kind: str, request: pytest.FixtureRequest
) -> None:
    _, page = request.getfixturevalue(kind)
    text = page.source.replace(get_plotlyjs(), "")
    assert not re.findall(r"https?://|@import|url\(|//[a-z]+\.[a-z]+/", text)
    addresses = [tag[name] for _, tag in page.tags for name in ("href", "src") if name in tag]
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)
    described = [each for each in page.all("div", role="img") if each["aria-label"].strip()]
    assert len(described) == len(page.all("div", class_="plotly-graph-div"))
    idents = [tag["id"] for _, tag in page.tags if "id" in tag]
    assert len(idents) == len(set(idents))


@pytest.mark.parametrize("count", [1, 3])
def test_text_of_users_is_never_markup(count: int, tmp_path: Path) -> None:
    members = dict(list(FAMILIES.items())[:count])
    found = write_comparison(tmp_path, (EVIL, "mask"), members=members, **SMALL)
    found |= {"title": EVIL, "note": EVIL}
    for member in found["members"]:
        member |= {"title": f"{EVIL} {member['name']}", "formula": EVIL}
    page = read_page(write_report(rewritten(tmp_path, found)))
    assert "<script>alert" not in page.source
    assert page.text.count(EVIL) > 10


def test_warnings_name_their_run(tmp_path: Path) -> None:
    write_comparison(tmp_path, members=FAMILIES, **SMALL)
    for folder in ("connected", "single-1"):
        with (tmp_path / folder / "events.jsonl").open("a") as file:
            file.write('{"event": "warning", "step": 2, "text": "a gate has collapsed"}\n{"event"')
    page = read_page(write_report(tmp_path))
    for name in ("CrossStitch", "mask alone"):
        assert f"{name}, step 2:" in page.text
        assert f"The last line of the events.jsonl of {name} is cut off." in page.text


def test_runs_without_metrics_configurations_and_examples_are_said(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, members=FAMILIES, gallery=False, **SMALL)
    for runs in [*found["members"], *found["single"].values()]:
        folder = tmp_path / runs["folders"][0]
        events = folder / "events.jsonl"
        lines = events.read_text().splitlines(keepends=True)
        events.write_text("".join(line for line in lines if '"step"' in line[:20]))
        (folder / "config.yaml").unlink()
        (folder / "env.json").unlink()
    page = read_page(write_report(tmp_path))
    for sentence in (
        "No metric was evaluated.",
        "No examples were saved with CrossStitch",
        "There is no config.yaml",
        "There is no env.json",
    ):
        assert sentence in page.text
    assert read(tmp_path) == found
