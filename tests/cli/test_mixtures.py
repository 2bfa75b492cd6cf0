"""Several data sets, from a file of settings to the report, and on after an interruption."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import plait as plait_library
from tests.cli.shell import plait

SHOP = {
    "table": "shop.csv",
    "inputs": {"a": "number", "colour": "category"},
    "tasks": {"price": "number", "sold": "yes/no"},
}
MARKET = {
    "table": "market.csv",
    "inputs": {"x": "number", "y": "number"},
    "tasks": {"sold": "yes/no"},
    "batch_size": 16,
}


def tables(folder: Path) -> None:
    """Two tables of other columns and sizes, with one task in common."""
    draw = np.random.default_rng(0)
    for name, columns, rows in (("shop", "a", 160), ("market", "xy", 60)):
        frame = pd.DataFrame({column: draw.normal(size=rows) for column in columns})
        frame["sold"] = np.where(frame[columns[0]] > 0, "yes", "no")
        if name == "shop":
            frame["colour"] = draw.choice(["red", "blue"], rows)
            frame["price"] = 100 + 10 * frame["a"]
        frame.to_csv(folder / f"{name}.csv", index=False)


def written(folder: Path, **settings: Any) -> Path:
    """A file of settings beside its tables."""
    tables(folder)
    base = {"sources": {"shop": SHOP, "market": MARKET}, "epochs": 2, "batch_size": 32}
    path = folder / "mix.yaml"
    path.write_text(yaml.safe_dump({**base, **settings}, sort_keys=False))
    return path


def events(run: Path, kind: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return [each for each in found if each["event"] == kind]


def test_a_file_of_two_tables_trains_and_resumes(tmp_path: Path) -> None:
    path = written(tmp_path, mixing={"class": "Temperature", "tau": 2})
    ran = plait("train", path, "--out", tmp_path / "run")
    assert ran.code == 0, ran.err
    assert ran.err.startswith(f"plait: training shop, market; run folder: {tmp_path / 'run'}")
    assert "mixture of 2 sources by Temperature(tau=2): an epoch has" in ran.err
    (plan,) = events(tmp_path / "run", "mixture")
    assert list(plan["sources"]) == ["shop", "market"]
    seen = events(tmp_path / "run", "seen")
    assert [each["epoch"] for each in seen] == [1, 2]
    assert seen[-1]["labels"]["sold"] == sum(seen[-1]["examples"].values())
    ran = plait("train", "--resume", tmp_path / "run", "epochs=3")
    assert ran.code == 0, ran.err
    whole = plait("train", path, "--out", tmp_path / "whole", "epochs=3")
    assert whole.code == 0
    last = [events(tmp_path / run, "evaluation")[-1] for run in ("run", "whole")]
    assert last[0]["metrics"] == last[1]["metrics"]
    assert events(tmp_path / "run", "seen")[-1] == events(tmp_path / "whole", "seen")[-1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mixing": "Temprature"}, "unknown mixing policy 'Temprature'"),
        ({"mixing": {"class": "Temperature", "tau": 0}}, "`tau` of Temperature must be above 0"),
        ({"mixing": {"class": "Shares", "shares": {"shop": 0.5, "market": 0.4}}}, "add up to 1"),
        ({"mixing": {"class": "Shares", "shares": {"shop": 1.0}}}, "market has none"),
        (
            {"sources": {"shop": SHOP, "market": {**MARKET, "tasks": {"sold": "number"}}}},
            "source 'market'",
        ),
        (
            {"sources": {"shop": SHOP, "market": {**MARKET, "tasks": {"sold": "category"}}}},
            "the sources 'shop' and 'market' must define task 'sold' alike; found Binary and",
        ),
        (
            {"sources": {"shop": SHOP, "market": {**MARKET, "table": "other.csv"}}},
            "source 'market': ",
        ),
        ({"table": "shop.csv"}, "'table' belongs to one of the data sets under `sources`"),
    ],
)
def test_bad_mixtures_are_refused_in_a_sentence(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    ran = plait("train", written(tmp_path, **settings), "--out", tmp_path / "run")
    assert ran.code == 2
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "run").exists()


def test_a_table_is_predicted_and_measured_as_one_of_the_sources(tmp_path: Path) -> None:
    path, run = written(tmp_path, epochs=1), tmp_path / "run"
    assert plait("train", path, "--out", run).code == 0
    out = tmp_path / "out.csv"
    ran = plait("predict", run, tmp_path / "market.csv", "--source", "market", "-o", out)
    assert ran.code == 0, ran.err
    assert list(pd.read_csv(out)) == ["sold", "sold=no", "sold=yes"]
    ran = plait("evaluate", run, tmp_path / "shop.csv", "--source", "shop", "--json")
    assert set(json.loads(ran.out)["metrics"]) == {"price", "sold"}
    opened = plait_library.load(run)
    frame = opened.predict(pd.read_csv(tmp_path / "market.csv"), source="market")
    assert frame["sold"].tolist() == pd.read_csv(out)["sold"].tolist()
    found = opened.evaluate(tmp_path / "shop.csv", source="shop").metrics
    assert found == json.loads(ran.out)["metrics"]
    ran = plait("predict", run, tmp_path / "shop.csv", "-o", out)
    assert ran.code == 2
    assert "several data sets: shop, market. Name the one that the table is like" in ran.err


def test_settings_of_sources_that_cannot_be_are_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_text()

    def said(text: str, *words: str) -> str:
        path.write_text(text)
        ran = plait("train", path, "--out", tmp_path / "run", *words)
        assert ran.code == 2
        return ran.err

    assert "line 10 has the key 'shop' a second time" in said(whole.replace("  market:", "  shop:"))
    assert "setting 'sources.market.batch_size'" in said(whole, "sources.market.batch_size=0")
    assert "'sources.market': input should be settings" in said(whole, "sources.market=market.csv")
    assert "setting 'sources' is empty" in said("sources: {}")
    pictures = "sources.digits={recipe: {class: digits, scenes: 20}, tasks: [mask]}"
    assert "task 'mask' (Segmentation) predicts each position" in said(whole, pictures)
    flat = "sources.market.stem={class: ConvEncoder}"
    assert "source 'market': the encoder ConvEncoder cannot read inputs" in said(whole, flat)
    kinds = ("sources.market.tasks.sold.positive=no", "sources.shop.inputs.a=numbr")
    assert "source 'shop': inputs.a: unknown kind 'numbr'" in said(whole, *kinds)
    found = said(whole, "tasks=[price]")
    assert "source 'market' has labels of sold, and the run trains price alone" in found
