"""The page of a comparison says what its numbers say, for one member and for several."""

import re
from pathlib import Path
from typing import Any

import pytest

from plait.reports import write_report
from plait.reports.words.text import number_over
from plait.runs.comparison import mean, read_comparison
from plait.runs.diagnosis import write_diagnosis
from tests.reports.comparison_example import FAMILIES, read, rewritten, write_comparison
from tests.reports.diagnosis_example import made_diagnosis
from tests.reports.page import Page, read_page

Shown = tuple[dict[str, Any], Page]

NAMES = list(FAMILIES)
LABELS = ["Hard", "PairwiseL2", "CrossStitch"]
SMALL = {"epochs": 2, "steps_per_epoch": 2}
EVIL = "<script>alert(1)</script>"
STEPS = ('{"event": "tasks"', '{"event": "step"')  # what their lines begin with


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


def flat(page: Page) -> str:
    return " ".join(page.text.split())


# --- the numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["joint", "families", "seeds"])
def test_the_numbers_are_those_of_the_logs(kind: str, request: pytest.FixtureRequest) -> None:
    """Every metric in the tables is recomputed from comparison.json by hand."""
    found, page = request.getfixturevalue(kind)
    head, *rows = page.tables["All metrics"]
    everyone = [found["baseline"], *found["members"]]
    assert len(head) == 2 + len(everyone) + 1
    expected = [
        (task, metric, [member["test"][task][metric] for member in everyone])
        for task, metrics in found["metrics"].items()
        for metric in metrics
    ]
    for cells, (task, metric, values) in zip(rows, expected, strict=True):
        assert (cells[0], cells[1].split(" ")[0]) == (task, metric)
        assert [cell.split("\n")[0] for cell in cells[2:-1]] == [number_over(v) for v in values]


def test_the_change_of_each_row_is_judged_as_in_the_file(families: Shown) -> None:
    found, page = families
    verdicts = {"better": "▲", "worse": "▼", "no clear difference": "≈"}
    head, _, *rows = page.tables["The main metric of each task"]
    tasks = [title.split(":")[0] for title in head[1:]]
    for cells, name in zip(rows, NAMES, strict=False):
        for task, cell in zip(tasks, cells[1:], strict=True):
            main = next(iter(found["metrics"][task]))
            (change,) = [
                each
                for each in found["changes"]
                if (each["member"], each["task"], each["metric"]) == (name, task, main)
            ]
            assert cell.endswith(verdicts[change["verdict"]])
            assert f"{change['mean']:+.1f}" in cell


def test_the_answer_stands_at_the_top_and_what_to_do_under_it(families: Shown) -> None:
    _, page = families
    text = flat(page)
    order = ["CrossStitch did best", "What to do:", "Negative transfer", "Intervals are of 95 %"]
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert "The test part was read once by each of 6 networks" in text


def test_what_failed_stands_in_the_summary(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, members=FAMILIES, gallery=False, **SMALL)
    found["members"][1]["failed"] = ["the loss of mask became infinite"]
    page = read_page(write_report(rewritten(tmp_path, found)))
    assert "No numbers of PairwiseL2: the loss of mask became infinite." in flat(page)


# --- one member -----------------------------------------------------------------------------


def test_a_lone_member_has_all_charts_of_its_run_beside_the_single_ones(joint: Shown) -> None:
    found, page = joint
    assert "Joint training" in page.text
    assert found["note"] in page.text
    tasks = list(found["metrics"])
    assert page.tables["Training loss"][0][1:] == [x for t in tasks for x in (t, f"{t}, alone")]
    for chart, count in {"loss": 3, "validation": 3, "weights": 1, "conflict": 2}.items():
        assert len(charts(page, chart)) == count
    assert charts(page, "change") == ["change-0"]
    assert charts(page, "trade") == ["trade-0", "trade-1"]


def test_a_lone_member_is_judged_task_by_task(joint: Shown) -> None:
    found, page = joint
    assert len(page.all("ul", class_="verdicts")) == 1
    for task, metrics in found["metrics"].items():
        assert f"{task}" in page.text
        for metric in metrics:
            assert f"{metric}: " in page.text


def test_a_lone_member_of_several_seeds_has_means(tmp_path: Path) -> None:
    _, page = written(tmp_path, seeds=(0, 1), gallery=False, **SMALL)
    assert charts(page, "loss") == []
    assert len(charts(page, "validation")) == 3
    assert "one standard deviation on both sides" in page.text


# --- several members ------------------------------------------------------------------------


def test_the_cost_is_against_all_separate_networks(families: Shown) -> None:
    found, page = families
    parameters = sum(each["parameters"] for each in found["baseline"]["networks"].values())
    head, first, *rows = page.tables["Members"]
    assert first[0] == "Separate networks"
    assert first[head.index("Parameters")] == f"{parameters:,}"
    for cells, member in zip(rows, found["members"], strict=True):
        (network,) = member["networks"].values()
        assert cells[head.index("Parameters")] == f"{network['parameters']:,}"
        ratio = f"{network['parameters'] / parameters:.2f}"
        assert cells[head.index("Times single-task")] == ratio


def test_the_curves_of_all_members_are_in_one_panel_of_each_task(families: Shown) -> None:
    found, page = families
    head, *rows = page.tables["Validation"]
    expected = [
        f"{task}: {next(iter(metrics))}, {label}"
        for task, metrics in found["metrics"].items()
        for label in [*LABELS, "Separate networks"]
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
    inside = page.text.partition("Penalties, and what")[2].partition("What CrossStitch")[0]
    assert inside.index("PairwiseL2") < inside.index("Penalties") < inside.index("CrossStitch")
    assert inside.index("CrossStitch") < inside.index("MMoE: gates")
    assert "Hard" not in inside  # it has neither penalties nor anything watched


def test_many_members_have_their_formulas_in_a_list(tmp_path: Path) -> None:
    members = {f"m{i}": (f"Family: M{i}", f"min f_{i}", 1.0) for i in range(8)}
    _, page = written(tmp_path, tasks=("digit",), members=members, gallery=False, **SMALL)
    assert not page.all("ul", class_="verdicts")
    assert "What each of them minimises" in page.text
    assert page.text.count("min f_7") == 1


def test_a_lone_member_of_many_tasks_has_its_formula(tmp_path: Path) -> None:
    tasks = tuple(f"t{i}" for i in range(8))
    members = {"m": ("Family: M", "min f", 1.0)}
    _, page = written(tmp_path, tasks=tasks, members=members, gallery=False, **SMALL)
    assert not page.all("ul", class_="verdicts")
    assert page.text.count("min f") == 1


def test_many_tasks_are_a_heat_map_and_counted(tmp_path: Path) -> None:
    tasks = tuple(f"diagnosis {i:03d}" for i in range(139))
    sizes = {"epochs": 1, "steps_per_epoch": 2, "gallery": False}
    _, page = written(tmp_path, tasks=tasks, members=FAMILIES, **sizes)
    assert charts(page, "change") == ["change-0", "change-map"]
    assert "Drawn are 12 of 139 tasks" in page.text
    assert re.search(r"\d+ tasks better; \d+ tasks worse", page.text)
    assert len(page.source) < 4_000_000


def test_the_papers_of_the_methods_are_listed_once(tmp_path: Path) -> None:
    write_comparison(tmp_path, members=FAMILIES, gallery=False, **SMALL)
    for name, sharing in zip(NAMES, ("Hard", "MMoE", "MMoE"), strict=True):
        config = f"{{sharing: {{class: {sharing}}}, balancing: {{class: UPGrad}}}}"
        (tmp_path / "seed-0" / name / "config.yaml").write_text(config)
    page = read_page(write_report(tmp_path))
    for key in ("caruana1997multitask", "ma2018modeling", "quinton2024jacobian"):
        assert page.text.count(f"{{{key},") == 1


def test_a_diagnosis_of_a_run_is_shown(tmp_path: Path) -> None:
    write_comparison(tmp_path, members=FAMILIES, gallery=False, **SMALL)
    write_diagnosis(tmp_path / "seed-0" / "shared", made_diagnosis())
    page = read_page(write_report(tmp_path))
    assert "4 pairs of tasks are in conflict" in page.text
    assert charts(page, "affinity") == ["affinity-0", "affinity-1"]


# --- several seeds --------------------------------------------------------------------------


def test_costs_are_means_over_the_seeds(seeds: Shown) -> None:
    found, page = seeds
    head, _, *rows = page.tables["Quality against cost"]
    assert head == ["Network", "Δm", "Parameters", "Training"]
    for cells, member in zip(rows, found["members"], strict=True):
        (network,) = member["networks"].values()
        assert cells[3].startswith(f"{mean(network['seconds']) // 60:.0f} min")


def test_it_says_what_is_of_one_seed(seeds: Shown) -> None:
    _, page = seeds
    assert "while they were trained, from seed 3." in flat(page)
    assert "predicts, from seed 3." in flat(page)
    assert "and of 2 seeds" in flat(page)


def test_with_one_seed_nothing_is_said_of_several(families: Shown) -> None:
    _, page = families
    assert "from seed" not in page.text
    assert "with one seed they hold the noise of the test part alone" in flat(page)


# --- any comparison -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["joint", "families", "seeds"])
def test_the_page_fetches_nothing_and_is_described(
    kind: str, request: pytest.FixtureRequest
) -> None:
    _, page = request.getfixturevalue(kind)
    text = page.own
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
        with (tmp_path / "seed-0" / folder / "events.jsonl").open("a") as file:
            file.write('{"event": "warning", "step": 2, "text": "a gate has collapsed"}\n{"event"')
    page = read_page(write_report(tmp_path))
    assert "CrossStitch; mask alone: a gate has collapsed" in flat(page)
    for name in ("CrossStitch", "mask alone"):
        assert f"The last line of the events.jsonl of {name} is cut off." in page.text


def test_runs_without_metrics_configurations_and_examples_are_said(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, members=FAMILIES, gallery=False, **SMALL)
    everyone = [found["baseline"], *found["members"]]
    for network in (each for member in everyone for each in member["networks"].values()):
        folder = tmp_path / network["folders"][0]
        events = folder / "events.jsonl"
        lines = events.read_text().splitlines(keepends=True)
        events.write_text("".join(line for line in lines if line.startswith(STEPS)))
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
    assert read_comparison(tmp_path).title in page.text
