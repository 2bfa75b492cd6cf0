"""The page shows the numbers of the run, safely, and needs nothing else."""

import json
import re
from pathlib import Path

import pytest

from plait.experiments.gallery import write_gallery
from plait.reports import write_report
from plait.reports.draw.plotly_js import packed_library
from plait.reports.words.text import number
from tests.experiments.gallery.samples import Samples, defects, rows, sentences, sounds
from tests.reports.example import (
    TRIVIAL,
    Event,
    write_events,
    write_run,
)
from tests.reports.page import Page, read_page

EVIL = "<script>alert(1)</script>"


def report(folder: Path) -> Page:
    return read_page(write_report(folder))


def of(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["event"] == kind]


def data_of_charts(page: Page) -> str:
    """The page without the library, in which any text can occur."""
    return page.own


def test_the_report_is_in_the_folder_and_repeatable(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=2, steps_per_epoch=5, gallery=True)
    path = write_report(tmp_path)
    first = path.read_bytes()
    assert path == tmp_path / "report.html"
    assert write_report(tmp_path).read_bytes() == first
    assert not list(tmp_path.glob("*.partial"))


def test_the_metric_table_has_the_test_and_the_best_epoch(tmp_path: Path) -> None:
    events = write_run(tmp_path)
    best = max(of(events, "evaluation"), key=lambda event: event["score"])
    head, *rows = report(tmp_path).tables["Metrics on the test data"]
    assert head[-2:] == [f"Validation, epoch {best['epoch']}", "Labels"]
    arrows = {"distance": "↓", "mae": "↓"}
    expected = [
        [
            *(task, f"{metric} {arrows.get(metric, '↑')}", number(value)),
            *(number(TRIVIAL[task][metric]), "better", number(best["metrics"][task][metric])),
            "400",
        ]
        for task, metrics in events[-1]["metrics"].items()
        for metric, value in metrics.items()
    ]
    assert rows == expected


def test_without_a_test_the_table_is_of_the_best_epoch(tmp_path: Path) -> None:
    events = write_run(tmp_path, tested=False)
    best = max(of(events, "evaluation"), key=lambda event: event["score"])
    head, *rows = report(tmp_path).tables["Metrics on the validation data"]
    assert head[2] == f"Validation, epoch {best['epoch']}"
    assert rows[0][2] == number(best["metrics"]["digit"]["accuracy"])


def test_plotly_is_in_the_page_once(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=3)
    page = report(tmp_path)
    assert page.source.count(packed_library()) == 1
    assert len(page.source) < 2_500_000


def test_the_page_fetches_nothing(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=3, gallery=True)
    page = report(tmp_path)
    text = data_of_charts(page)
    assert not re.findall(r"https?://|@import|url\(|//[a-z]+\.[a-z]+/", text)
    assert not page.all("link")
    assert not [script for script in page.all("script") if "src" in script]
    addresses = [tag[name] for _, tag in page.tags for name in ("href", "src") if name in tag]
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert "default-src 'none'" in policy["content"]


def of_samples(folder: Path, made: Samples) -> Page:
    """The page of a run on made-up examples."""
    write_run(folder, epochs=1, steps_per_epoch=3)
    write_gallery(folder, made.model, made, made.data, count=12)
    return report(folder)


def test_sounds_play_in_the_page(tmp_path: Path) -> None:
    page = of_samples(tmp_path, sounds())
    players = page.all("audio")
    assert len(players) == 4
    for player in players:
        assert "controls" in player
        assert player["src"].startswith("data:audio/flac;base64,")
        assert re.fullmatch(r"Example \d: recording", player["aria-label"])
    pictures = page.all("img")
    assert [each["alt"][:24] for each in pictures] == ["Waveform and spectrogram"] * 4
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert "media-src data:" in policy["content"]
    assert "The first 5 of 12 s at 8,000 Hz" in page.text


def test_words_have_their_tags_and_wrong_ones_are_marked(tmp_path: Path) -> None:
    made = sentences()
    page = of_samples(tmp_path, made)
    words = sum(min(len(each.shown[0].words), 200) for each in made.examples)
    assert len(page.all("span", class_="token")) == words
    assert len(page.all("bdi", class_="tag")) == 2 * words
    wrong = 0
    for each in made.examples:
        for task in ("upos", "spans"):
            true, seen = each.targets[task], each.predictions[task].argmax(dim=-1)
            wrong += int(((true != seen) & (true >= 0))[:200].sum())
    marked = page.all("bdi", class_="wrong")
    assert len(marked) == wrong > 10
    assert page.text.count("✗ ") >= wrong, "by a sign, and not by colour alone"
    assert [each["dir"] for each in page.all("ol", class_="tokens")] == ["auto"] * 5
    assert "80 more words are not shown." in page.text


def test_words_of_strangers_are_never_markup(tmp_path: Path) -> None:
    page = of_samples(tmp_path, sentences())
    assert EVIL in page.text
    assert "&amp;amp;" in page.source, "what was written as an entity stays one"
    assert "<script>alert" not in page.source


def test_masks_have_a_legend_and_frames(tmp_path: Path) -> None:
    page = of_samples(tmp_path, defects())
    assert len(page.all("ul", **{"aria-label": "Classes of defect"})) == 3
    assert len(page.all("span", class_="swatch")) == 2 + 11 + 2
    assert len(page.all("span", class_="hatched")) == 5
    assert len(page.all("rect", class_="frame")) == 2 + 3 * 2
    assert "0.2\xa0% true, 0.28\xa0% predicted" in page.text
    assert "around a place of a class that covers less than 1 % of the picture" in page.text


def test_a_row_has_its_first_columns(tmp_path: Path) -> None:
    page = of_samples(tmp_path, rows())
    assert len(page.all("dl", class_="values")) == 3
    assert page.text.count("column 11121") == 3  # name and value
    assert "column 12" not in page.text
    assert page.text.count("18 more columns are not shown.") == 3


def test_text_of_users_is_never_markup(tmp_path: Path) -> None:
    """In tables, in charts and in pictures alike."""
    write_run(tmp_path, (EVIL, "mask"), epochs=1, steps_per_epoch=3, gallery=True)
    (tmp_path / "config.yaml").write_text(json.dumps({EVIL: [EVIL, {"path": EVIL}]}))
    (tmp_path / "env.json").write_text(json.dumps({EVIL: EVIL}))
    gallery = tmp_path / "gallery" / "gallery.json"
    gallery.write_text(gallery.read_text().replace('"digit"', json.dumps(EVIL)))
    page = report(tmp_path)
    assert EVIL in page.text
    assert "alert(1)" in data_of_charts(page)
    assert "<script>alert" not in page.source
    charts = page.all("div", class_="plotly-graph-div")
    assert page.source.count("</script>") == len(page.all("script")) == len(charts) + 2


def test_a_task_that_is_named_like_markup_of_plotly_is_shown_as_it_is(tmp_path: Path) -> None:
    write_run(tmp_path, tasks=("<b>bold</b>", "mask"), epochs=1, steps_per_epoch=3)
    assert r"\u003cb\u003e" not in data_of_charts(report(tmp_path))


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    events = of(write_run(tmp_path, gradients=False, epochs=1, steps_per_epoch=3), "step")
    for event in events:
        del event["weights"]
    write_events(tmp_path, events)
    (tmp_path / "config.yaml").unlink()
    page = report(tmp_path)
    for sentence in (
        "Cosines between the tasks' gradients were not recorded.",
        "There are no weights",
        "No metric was evaluated.",
        "the objective has the tasks' losses only",
        "no gallery/gallery.json",
        "There is no config.yaml",
        "Norms of the tasks were not recorded",
    ):
        assert sentence in page.text
    charts = {
        chart["id"].rpartition("-")[0] for chart in page.all("div", class_="plotly-graph-div")
    }
    assert charts == {"loss", "norms", "rate"}


def test_a_run_without_a_step_has_a_page(tmp_path: Path) -> None:
    write_events(tmp_path, [])
    page = report(tmp_path)
    assert "No step has been recorded yet." in page.text
    assert not page.all("div", class_="plotly-graph-div")


def test_a_cut_off_line_is_said(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=3)
    assert "cut off" not in report(tmp_path).text
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"event": "step", "st')
    assert "cut off" in report(tmp_path).text


def test_charts_are_described_in_words(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=3, gallery=True)
    page = report(tmp_path)
    described = [each for each in page.all("div", role="img") if each["aria-label"].strip()]
    assert len(described) == len(page.all("div", class_="plotly-graph-div"))
    assert all(each["aria-label"] for each in page.all("svg", role="img"))
    assert page.all("html", lang="en")


def test_an_undefined_metric_is_said_with_its_reason(tmp_path: Path) -> None:
    events = write_run(tmp_path, epochs=1, steps_per_epoch=5)
    name = next(iter(events[-1]["metrics"]["digit"]))
    events[-1]["metrics"]["digit"][name] = float("nan")
    write_events(tmp_path, events)
    assert report(tmp_path).tables["Metrics on the test data"][1][2] == "–"  # an old log
    events[-1]["undefined"] = {"digit": {name: "all labels are '<b>'"}}
    write_events(tmp_path, events)
    page = report(tmp_path)
    assert page.tables["Metrics on the test data"][1][2] == "undefined"
    text = f"{name} of digit is undefined, because all labels are &#39;&lt;b&gt;&#39;."
    assert text in data_of_charts(page)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("skill", 'By the rule "skill", the default, it is the mean over the tasks of where the'),
        ("loss", 'By the rule "loss" it is minus the sum of the weighted losses.'),
        ("digit/accuracy", 'By the rule "digit/accuracy" it is that metric, with a minus where'),
    ],
)
def test_the_score_is_explained_by_its_rule(tmp_path: Path, rule: str, words: str) -> None:
    write_run(tmp_path)
    (tmp_path / "config.yaml").write_text(json.dumps({"rule": rule}))
    assert words in report(tmp_path).text
