"""The tables of several data sets on the page of a run."""

from pathlib import Path

from plait.reports.pages.mixture import mixture_note, mixture_tables
from plait.reports.pages.run import run_page
from plait.reports.read.run import read_run
from plait.runs import EventLog, MixturePlan, MixtureSeen, SourcePlan
from plait.runs.folder import EVENTS

LARGE = SourcePlan(examples=900, batch_size=30, share=0.75, steps=30, passes=1)
STREAM = SourcePlan(examples=None, batch_size=10, share=0.25, steps=30, passes=None)
PLAN = MixturePlan(
    policy="EqualShares()", steps=60, rule="each draws one", sources={"a": LARGE, "s": STREAM}
)


def write(folder: Path, *seen: MixtureSeen) -> None:
    log = EventLog(folder / EVENTS)
    for each in (PLAN, *seen):
        log.write(each)
    log.flush()


def test_sources_with_what_was_seen_and_stated(tmp_path: Path) -> None:
    first = MixtureSeen(epoch=1, step=60, examples={"a": 900, "s": 100}, labels={"y": 90.0})
    note = "source 's' ended after 9 batches in epoch 2"
    last = MixtureSeen(
        epoch=2, step=120, examples={"a": 1600, "s": 400}, labels={"y": 1234.5, "z": 2.0}, note=note
    )
    write(tmp_path, first, last)
    run = read_run(tmp_path)
    sources, labels = mixture_tables(run)
    assert sources.rows == [
        ["a", "900", "30", "1", "1,600", "80.0 %", "75.0 %"],
        ["s", "?", "10", "?", "400", "20.0 %", "25.0 %"],
    ]
    assert labels.rows == [["y", "1,234.5"], ["z", "2"]]
    assert mixture_note(run) == (
        "By EqualShares(), an epoch has 60 steps: each draws one. "
        "Source 's' ended after 9 batches in epoch 2."
    )
    assert run_page(tmp_path)["mixture"] == [sources, labels]


def test_before_the_first_epoch_has_ended_nothing_was_seen(tmp_path: Path) -> None:
    write(tmp_path)
    (sources,) = mixture_tables(read_run(tmp_path))
    assert sources.rows[0][-3:] == ["0", "?", "75.0 %"]


def test_one_data_set_has_no_such_tables(tmp_path: Path) -> None:
    (tmp_path / EVENTS).touch()
    run = read_run(tmp_path)
    assert (mixture_tables(run), mixture_note(run)) == ([], "")
