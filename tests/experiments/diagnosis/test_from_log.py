"""A log is read as the training wrote it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.experiments.diagnosis.from_log import STRETCHES, read_log, update_shares
from plait.runs.encoding import encode
from plait.runs.events import Numbers, Step, Tasks, Warned, WatchedValues

NAMES = encode(Tasks(names=["a", "b"]))


def step(number: int, cosine: float = -0.5, flag: str | None = None) -> Step:
    return Step(
        step=number,
        epoch=0,
        lr=0.1,
        seconds=1.0,
        losses=[float(number), None],
        gradient_norm=1.0,
        flag=flag,
        weights=[1.0, 1.0],
        norms=[1.0, 1.0],
        cosines=[cosine],
    )


def test_what_there_is_is_read(tmp_path: Path) -> None:
    table = Numbers(shares=True, rows={"a": {"one": 0.5, "two": None}})
    events = [step(n, flag="stationary" if n > 90 else None) for n in range(1, 101)]
    lines = [NAMES, *(encode(each) for each in events)]
    lines += [encode(WatchedValues(step=1, epoch=0, values={"gate": table}))]
    lines += [encode(Warned(step=5, text="it has collapsed")), '{"event": "st']
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    found = read_log(tmp_path, ["a", "b"])
    assert found.steps == 100 and found.flags == {"stationary": 10}
    assert found.watched == {"gate": table}
    assert found.warnings == ["it has collapsed"]
    assert found.first == {"a": 5.5}
    assert len(found.history) == STRETCHES and found.history[-1].step == 100
    assert all((each.cosine, each.rate, each.similarity) == (-0.5, 1, 1) for each in found.history)
    assert found.balanced_shares == {"a": 0.5, "b": 0.5}


def test_a_log_without_cosines_has_no_history(tmp_path: Path) -> None:
    line = encode(replace(step(1), cosines=[]))
    (tmp_path / "events.jsonl").write_text(f"{NAMES}\n{line}\n")
    found = read_log(tmp_path, ["a", "b"])
    assert found.history == [] and found.balanced_shares == {} and found.steps == 1


@given(st.integers(0, 10_000))
def test_shares_are_those_of_the_gradients(seed: int) -> None:
    draws = np.random.default_rng(seed)
    rows, weights = draws.normal(size=(3, 4)), draws.uniform(0.1, 2, size=3)
    norms = np.linalg.norm(rows, axis=1)
    pairs = [(i, j) for i in range(3) for j in range(i + 1, 3)]
    cosines = np.array([rows[i] @ rows[j] / norms[i] / norms[j] for i, j in pairs])
    direction = weights @ rows
    wanted = weights * (rows @ direction) / (direction @ direction)
    found = update_shares(weights, norms, cosines)
    assert found.tolist() == pytest.approx(wanted.tolist(), rel=1e-6, abs=1e-6)
    absent = np.insert(weights, 1, np.nan), np.insert(norms, 1, np.nan)
    with_it = update_shares(*absent, np.insert(cosines, [0, 2, 2], np.nan))
    assert np.delete(with_it, 1).tolist() == pytest.approx(found.tolist())
    assert np.isnan(with_it[1])
