"""Warnings stand before everything else, each once."""

from pathlib import Path

from plait.reports import write_report
from plait.reports.read.run import read_run
from plait.reports.words.notices import MOST_JOINT, MOST_NOTICES, joint_notices, notices
from tests.reports.example import Event, write_events, write_run
from tests.reports.page import read_page


def warning(step: int, text: str) -> Event:
    return {"event": "warning", "step": step, "text": text}


def run_with(folder: Path, *events: Event) -> None:
    write_events(folder, [*write_run(folder, epochs=1, steps_per_epoch=3), *events])


def test_a_warning_is_shown_before_the_headline(tmp_path: Path) -> None:
    run_with(tmp_path, warning(2, "the gate of <b>digit</b> has collapsed"))
    page = read_page(write_report(tmp_path))
    assert page.all("div", role="note", class_="warning")
    text = page.text
    assert "Step 2:" in text
    assert "the gate of <b>digit</b> has collapsed" in text
    assert text.index("has collapsed") < text.index("On the test data")


def test_a_run_without_warnings_shows_none(tmp_path: Path) -> None:
    run_with(tmp_path)
    assert not read_page(write_report(tmp_path)).all("div", class_="warning")


def test_the_same_warning_is_said_once_with_its_steps(tmp_path: Path) -> None:
    run_with(tmp_path, warning(2, "a"), warning(4, "b"), warning(6, "a"), warning(8, "a"))
    found = [(each.when, each.text) for each in notices(read_run(tmp_path))]
    assert found == [("Steps 2, 6 and 8:", "a"), ("Step 4:", "b")]


def test_a_name_tells_the_runs_apart(tmp_path: Path) -> None:
    run_with(tmp_path, warning(2, "a"))
    (found,) = notices(read_run(tmp_path), "MMoE")
    assert found.when == "MMoE, step 2:"


def test_many_warnings_are_counted(tmp_path: Path) -> None:
    run_with(tmp_path, *(warning(step, f"w{step}") for step in range(20)))
    found = notices(read_run(tmp_path))
    assert len(found) == MOST_NOTICES + 1
    assert found[-1].text == f"{20 - MOST_NOTICES} more warnings are in events.jsonl."


def test_a_skipped_step_is_read_drawn_as_a_gap_and_said(tmp_path: Path) -> None:
    """Training writes null for its losses and gradient where it goes on after a bad step."""
    events = write_run(tmp_path, epochs=1, steps_per_epoch=3)
    skipped = {key: events[1][key] for key in ("event", "step", "epoch", "lr", "seconds")}
    skipped |= {"losses": {"digit": None, "mask": 0.5}, "gradient_norm": None}
    events[1] = {**skipped, "skipped": "the loss of digit is not finite"}
    write_events(tmp_path, events)
    page = read_page(write_report(tmp_path))
    assert "The step was not taken: the loss of digit is not finite" in page.text
    assert page.tables["Training loss"][2] == ["2", "–", "0.5", "–"]
    assert [row[0] for row in page.tables["Gradient norms"][1:]] == ["1", "3"]


def test_what_a_balancer_flags_is_said_with_its_steps(tmp_path: Path) -> None:
    events = write_run(tmp_path, epochs=1, steps_per_epoch=12)
    for step in (1, 3, 4):
        events[step]["flag"] = "Pareto-stationary"
    for step in range(5, 12):
        events[step]["flag"] = "a gradient is zero"
    write_events(tmp_path, events)
    found = [(each.when, each.text) for each in notices(read_run(tmp_path))]
    assert found == [
        ("Steps 2, 4 and 5:", "The balancer found: Pareto-stationary"),
        ("7 steps from step 6 to step 12:", "The balancer found: a gradient is zero"),
    ]
    text = read_page(write_report(tmp_path)).text
    assert "Steps 2, 4 and 5:" in text
    assert "The balancer found: Pareto-stationary" in text


def test_what_is_only_of_interest_has_no_sign_of_a_warning(tmp_path: Path) -> None:
    seen = {"event": "first steps", "step": 20, "lines": ["all is well"]}
    run_with(tmp_path, seen, warning(2, "the gate has collapsed"))
    page = read_page(write_report(tmp_path))
    assert "⚠ Step 2: the gate has collapsed" in page.text
    assert "Step 20: all is well" in page.text
    assert "⚠ Step 20" not in page.text


def test_of_several_runs_a_text_is_said_once_with_its_runs(tmp_path: Path) -> None:
    for name, texts in {"x": ["a", "b"], "y": ["a"], "z": []}.items():
        run_with(tmp_path / name, *(warning(2, text) for text in texts))
    runs = [(name, read_run(tmp_path / name)) for name in ("x", "y", "z")]
    found = [(each.when, each.text) for each in joint_notices(runs)]
    assert found == [("x; y:", "a"), ("x, step 2:", "b")]


def test_many_runs_and_many_texts_are_counted(tmp_path: Path) -> None:
    run_with(tmp_path, *(warning(1, f"text {i}") for i in range(5)))
    run = read_run(tmp_path)
    first, *_ = joint_notices((f"run {i}", run) for i in range(9))
    assert first.when == "9 runs:"
    many = []
    for i in range(4):
        run_with(tmp_path / str(i), *(warning(1, f"{i}, {j}") for j in range(5)))
        many.append((str(i), read_run(tmp_path / str(i))))
    *shown, rest = joint_notices(many)
    assert len(shown) == MOST_JOINT
    assert rest.text == "8 more are on the pages of the single runs."
