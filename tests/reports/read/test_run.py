"""A run folder is read exactly, and what is broken is named."""

import json
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.reports.read.run import read_run
from tests.reports.example import write_events, write_run


def test_every_value_of_the_events_is_kept(tmp_path: Path) -> None:
    events = write_run(tmp_path, epochs=2, steps_per_epoch=3, terms=True)
    run = read_run(tmp_path)
    steps = [event for event in events if event["event"] == "step"]
    found = run.steps
    assert found.step.tolist() == [1, 2, 3, 4, 5, 6]
    for name in ("epoch", "lr", "seconds", "gradient_norm"):
        assert getattr(found, name).tolist() == [event[name] for event in steps]
    for name in ("losses", "weights", "norms"):
        for task in ("digit", "mask", "centre"):
            column = found.of(getattr(found, name), task).tolist()
            assert column == [event[name][task] for event in steps]
    for row, event in zip(found.cosines.tolist(), steps, strict=True):
        assert [[*pair, x] for pair, x in zip(found.pairs, row, strict=True)] == event["cosines"]
    for terms, event in zip(found.terms, steps, strict=True):
        assert {name: list(pair) for name, pair in terms.items()} == event["terms"]
    last = [event for event in events if event["event"] == "evaluation"][-1]
    for name in ("epoch", "step", "score", "seconds", "losses", "metrics", "trivial", "counts"):
        assert getattr(run.validations[-1], name) == last[name]
    assert run.test is not None
    assert run.test.metrics == events[-1]["metrics"]
    assert run.tasks == ["digit", "mask", "centre"]
    assert run.whole


def test_a_run_that_goes_on_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    """A process that reads while another one writes can see any prefix of the file."""
    write_run(tmp_path, tasks=("digit",), epochs=1, steps_per_epoch=2, gradients=False)
    path = tmp_path / "events.jsonl"
    text = path.read_bytes()
    for size in range(0, len(text), 7):
        path.write_bytes(text[:size])
        run = read_run(tmp_path)
        *lines, rest = text[:size].split(b"\n")
        ended = bool(rest) and text[size : size + 1] == b"\n"
        found = len(run.steps) + len(run.validations) + (run.test is not None)
        assert found == max(len(lines) + ended - 1, 0), "all lines but that of the names"
        assert run.whole == (ended or not rest)


def step_with(**rows: list[float]) -> str:
    step = {"step": 1, "epoch": 0, "lr": 0.1, "seconds": 1.0, "losses": [], "gradient_norm": 1.0}
    return json.dumps({"event": "step", **step, **rows})


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("{broken", "Invalid JSON"),
        ("", "Invalid JSON"),
        ('{"event": "step", "step": 1}', "`step.epoch`"),
        (step_with(losses=[1.0]), "`losses` must have 3 numbers; found 1"),
        (step_with(cosines=[0.5]), "`cosines` must have 3 numbers; found 1"),
        ('{"event": "tasks", "names": ["mask"]}', "must begin with those that are known"),
        ('{"event": "holiday"}', "holiday"),
        ('{"event": "warning", "step": 1}', "`warning.text`"),
        (
            '{"event": "watched", "step": 1, "epoch": 0, "values": {"t": {}}}',
            "`watched.values.t.shares`",
        ),
        ('{"step": 1}', "event"),
    ],
)
def test_a_broken_line_is_named_by_its_number(tmp_path: Path, line: str, finding: str) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=3)
    path = tmp_path / "events.jsonl"
    lines = path.read_text().splitlines()
    lines[1] = line
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"events\.jsonl, line 2: .*Repair or remove") as error:
        read_run(tmp_path)
    assert finding in str(error.value)


def test_a_value_of_the_wrong_kind_is_named(tmp_path: Path) -> None:
    events = write_run(tmp_path, epochs=1, steps_per_epoch=3)
    events[2]["losses"]["mask"] = "low"
    write_events(tmp_path, events)
    with pytest.raises(DataError, match=r"line 4: `step\.losses\.1`"):
        read_run(tmp_path)


def test_a_log_that_does_not_name_its_tasks_is_refused(tmp_path: Path) -> None:
    """As those of before, whose steps named them each time."""
    write_run(tmp_path, epochs=1, steps_per_epoch=3)
    path = tmp_path / "events.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(DataError, match=r"line 1: a step comes after the names.*train again"):
        read_run(tmp_path)
    path.write_text(step_with().replace("[]", '{"a": 1.0}'))
    with pytest.raises(DataError, match=r"line 1: a step comes after the names.*train again"):
        read_run(tmp_path)


def test_a_broken_last_line_that_is_whole_is_an_error(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=1)
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write("{broken\n")
    with pytest.raises(DataError, match="line 5"):
        read_run(tmp_path)


def test_a_second_test_is_an_error(tmp_path: Path) -> None:
    events = write_run(tmp_path, epochs=1, steps_per_epoch=1)
    write_events(tmp_path, [*events, events[-1]])
    with pytest.raises(DataError, match="line 5: a second test"):
        read_run(tmp_path)


def test_missing_events_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"events\.jsonl cannot be read: No such file"):
        read_run(tmp_path)


def test_a_trainer_without_a_configuration_leaves_neither_config_nor_env(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=1)
    (tmp_path / "config.yaml").unlink()
    (tmp_path / "env.json").unlink()
    run = read_run(tmp_path)
    assert run.config is None
    assert run.env is None


def test_without_a_configuration_the_options_of_the_trainer_are_read(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=1)
    written = {
        "options": {"lr": 1e-05, "balancer": {"class": "CAGrad", "c": 0.7}},
        "model": {"frozen": []},
        "optimizer": [{"lr": 1e-05}],
        "scheduler": {},
    }
    (tmp_path / "trainer.json").write_text(json.dumps(written))
    configured = read_run(tmp_path).config
    assert configured is not None
    assert configured["recipe"] == "digits", "the settings of the command line say more"
    (tmp_path / "config.yaml").unlink()
    assert read_run(tmp_path).config == {
        **written["options"],  # type: ignore[dict-item]
        "frozen": [],
        "parameter_groups": [{"lr": 1e-05}],
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.yaml", "a: [1"),
        ("config.yaml", "- a\n- b\n"),
        ("config.yaml", "a: !!python/object/apply:os.getcwd []"),
        ("trainer.json", "{"),
        ("env.json", "{"),
        ("env.json", "[1]"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, text: str) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=1)
    (tmp_path / "config.yaml").unlink()
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=f"{name}.*Restore the file"):
        read_run(tmp_path)


def test_the_best_epoch_is_the_first_with_the_highest_score(tmp_path: Path) -> None:
    events = write_run(tmp_path, epochs=4, steps_per_epoch=1)
    scores = iter([0.1, 0.7, float("nan"), 0.7])
    for event in events:
        if event["event"] == "evaluation":
            event["score"] = next(scores)
    write_events(tmp_path, events)
    best = read_run(tmp_path).best
    assert best is not None
    assert best.epoch == 2
