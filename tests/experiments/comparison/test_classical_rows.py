"""Models of scikit-learn as rows; what they are is tested in tests/experiments/baselines."""

from pathlib import Path

import numpy as np
import pandas as pd

from plait.experiments import compare, validate, with_defaults


def test_a_table_has_rows_of_linear_models_and_trees(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    frame["price"] = x @ [1.0, 2.0, 0.0] + 0.1 * generator.normal(size=300)
    frame["kind"] = np.where(x[:, 0] > 0, "high", "low")
    frame.to_csv(tmp_path / "table.csv", index=False)
    settings = {
        "table": str(tmp_path / "table.csv"),
        "inputs": dict.fromkeys("abc", "number"),
        "tasks": {"price": "number", "kind": "category"},
        "split": {"val": 0.2, "test": 0.2},
        "epochs": 1,
    }
    config = validate(with_defaults(settings))
    found = compare(config, tmp_path / "x", title="x", rows=["classical"])
    rows = {member.name: member for member in found.members}
    assert [rows[name].kind for name in ("linear", "trees")] == ["classical", "classical"]
    assert rows["linear"].networks.keys() == {"price", "kind"}
    assert rows["linear"].test["price"]["mae"][0] < 0.15, "the noise is 0.1"
    change = found.change("linear", "price")
    assert change is not None
    assert change.low <= change.mean <= change.high
