"""Are the known tables learned with defaults? Against linear models and trees, one for each target.

``python -m benchmarks.tables --data DIR [NAME ...]``: for each known table, a run as ``plait train
NAME minutes=3`` makes it; ridge or logistic regression of each target, its strength chosen on the
validation rows by its loss; and scikit-learn's `HistGradientBoosting` of each target, with its
defaults. All learn from the training rows alone, and are measured on the test rows, with bootstrap
intervals of the differences: the same 1,000 draws of test rows for all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.known_data import print_figures
from plait.experiments import open_problem, run, validate, with_defaults
from plait.experiments.build.names import recipe_class
from plait.experiments.trained import Trained
from plait.recipes import Table

Array = np.ndarray[Any, Any]
NAMES = ("energy", "wine", "yeast", "sarcos", "tox21", "adult", "hillstrom", "census-income")
DRAWS = 1000
INTERVAL = (2.5, 97.5)
RIDGE = tuple(10.0**power for power in range(-3, 5))  # penalties
LOGISTIC = tuple(10.0**power for power in range(-3, 2))  # inverse penalties
METHODS = ("plait", "linear", "trees")


@dataclass(frozen=True)
class Metric:
    """How predictions `[N, K]` are measured against labels `[N, K]`, with weights `[N]` of rows.

    Attributes:
        name: of the metric.
        better: 1 if higher is better, -1 if lower is.
        of: the metric of (predictions, labels, weights).
    """

    name: str
    better: int
    of: Callable[[Array, Array, Array], float]


def mean_of(error: Callable[[Array, Array], Array]) -> Callable[[Array, Array, Array], float]:
    """Returns the weighted mean over rows of an error, itself a mean over columns."""

    def measured(found: Array, labels: Array, weights: Array) -> float:
        return float(np.average(error(found, labels).mean(axis=1), weights=weights))

    return measured


def auroc(found: Array, labels: Array, weights: Array) -> float:
    """Returns the area under the ROC curve: how often yes is ranked above no, ties counted half."""
    _, place = np.unique(found[:, 0], return_inverse=True)
    yes = np.bincount(place, weights * labels[:, 0])
    no = np.bincount(place, weights * (1 - labels[:, 0]))
    below = np.cumsum(no) - no
    return float((yes * (below + no / 2)).sum() / (yes.sum() * no.sum()))


AUROC = Metric("AUROC", 1, auroc)
ACCURACY = Metric("accuracy", 1, mean_of(lambda found, labels: (found > 0.5) == (labels > 0.5)))
HAMMING = Metric("Hamming loss", -1, mean_of(lambda found, labels: (found > 0.5) != labels))
MAE = Metric("MAE", -1, mean_of(lambda found, labels: np.abs(found - labels)))
MSE = Metric("MSE", -1, mean_of(lambda found, labels: (found - labels) ** 2))


def metric_of(table: Table, task: str) -> Metric:
    """Returns the metric by which a task's figures are known."""
    kind = next(target.kind for target in table.targets if target.name == task)
    if kind == "number":
        return MSE if task.startswith("torque") else MAE
    return {"yes/no": AUROC, "tags": HAMMING, "category": ACCURACY}[kind]


# --- features and labels --------------------------------------------------------------------


def labels_of(table: Table, task: str) -> Array:
    """Returns labels `[N, K]`, NaN where missing; a category of two classes as 0 and 1."""
    labels = table.labels[task].numpy()
    if labels.ndim == 1:
        return np.where(labels < 0, np.nan, labels).astype(np.float64)[:, np.newaxis]
    return labels.astype(np.float64)


def plain_features(table: Table) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Returns the inputs as numbers and categories, and the names of both."""
    kinds = {name: each.column_kind for name, each in table.inputs.items()}
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    words = [name for name, kind in kinds.items() if kind == "category"]
    columns: dict[str, Any] = {name: table.frame[name].astype(np.float64) for name in numbers}
    for name in words:
        cells = table.frame[name].astype(object)
        columns[name] = cells.where(cells.notna(), "").astype(str).astype("category")
    return pd.DataFrame(columns), numbers, words


def linear_features(
    features: pd.DataFrame, numbers: list[str], words: list[str], fit: Array
) -> Any:
    """Returns standardised numbers and one column for each category of the rows to fit."""
    made = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), words),
        sparse_threshold=0.5,
    )
    return made.fit(features.iloc[fit]).transform(features)


# --- models of one target -------------------------------------------------------------------


def linear(inputs: Any, labels: Array, rows: Mapping[str, Array], *, numeric: bool) -> Array:
    """Returns the predictions for the test rows of a linear model of one target."""
    labelled = {split: each[~np.isnan(labels[each])] for split, each in rows.items()}
    train, val = labelled["train"], labelled["val"]

    def made(strength: float) -> Any:
        return Ridge(alpha=strength) if numeric else LogisticRegression(C=strength, max_iter=3000)

    def loss(strength: float) -> float:
        model = made(strength).fit(inputs[train], labels[train])
        if numeric:
            return float(mean_squared_error(labels[val], model.predict(inputs[val])))
        shares = model.predict_proba(inputs[val])[:, 1]
        return float(log_loss(labels[val], shares, labels=[0, 1]))

    best = min(RIDGE if numeric else LOGISTIC, key=loss)
    return predicted(made(best).fit(inputs[train], labels[train]), inputs[rows["test"]])


def trees(
    features: pd.DataFrame, labels: Array, rows: Mapping[str, Array], *, numeric: bool
) -> Array:
    """Returns the predictions for the test rows of boosted trees of one target."""
    cls = HistGradientBoostingRegressor if numeric else HistGradientBoostingClassifier
    train = rows["train"][~np.isnan(labels[rows["train"]])]
    model = cls(random_state=0).fit(features.iloc[train], labels[train])
    return predicted(model, features.iloc[rows["test"]])


def predicted(model: Any, inputs: Any) -> Array:
    """Returns numbers, or the share of yes."""
    share = hasattr(model, "predict_proba")
    found: Array = model.predict_proba(inputs)[:, 1] if share else model.predict(inputs)
    return found


def of_run(table: Table, folder: Path) -> dict[str, Array]:
    """Returns what a trained run predicts for the test rows, `{task: [N, K]}`."""
    found = Trained(folder).predict(table.frame.iloc[table.rows["test"]])
    predictions = {}
    for target in table.targets:
        columns = [target.name]
        if target.kind != "number":
            names = table.classes[target.name]
            wanted = names if target.kind == "tags" else names[1:]
            columns = [f"{target.name}={name}" for name in wanted]
        predictions[target.name] = found[columns].to_numpy(dtype=np.float64)
    return predictions


# --- measuring ------------------------------------------------------------------------------


def compare(table: Table, found: Mapping[str, Mapping[str, Array]]) -> Iterator[dict[str, Any]]:
    """Yields the figures of each task, and those of the mean over tasks of one metric.

    Differences are signed so that above 0 plait is ahead.

    Args:
        table: gives the labels.
        found: `{method: {task: predictions for the test rows}}`.
    """
    random = np.random.default_rng(0)
    test = table.rows["test"]
    draws = np.stack(
        [
            np.bincount(random.integers(0, len(test), len(test)), minlength=len(test))
            for _ in range(DRAWS)
        ]
    ).astype(np.float64)
    values: dict[str, dict[str, Array]] = {}
    metrics = {target.name: metric_of(table, target.name) for target in table.targets}
    for task, metric in metrics.items():
        labels = labels_of(table, task)[test]
        there = ~np.isnan(labels).any(axis=1)
        weights = [np.ones(len(test)), *draws]
        values[task] = {
            method: np.array(
                [metric.of(each[task][there], labels[there], w[there]) for w in weights]
            )
            for method, each in found.items()
        }
        yield row(task, metric, values[task])
    for metric in dict.fromkeys(metrics.values()):
        tasks = [task for task, its in metrics.items() if its is metric]
        if len(tasks) > 1:
            mean = {m: np.mean([values[task][m] for task in tasks], axis=0) for m in METHODS}
            yield row(f"mean of {len(tasks)}", metric, mean)
    if len(set(metrics.values())) > 1:
        yield relative(metrics, values)


def row(task: str, metric: Metric, values: Mapping[str, Array]) -> dict[str, Any]:
    """Returns the figures of one task: values on all test rows, then on each draw."""
    found: dict[str, Any] = {"task": task, "metric": metric.name}
    found |= {method: float(each[0]) for method, each in values.items()}
    for other in METHODS[1:]:
        found[f"against {other}"] = interval(metric.better * (values["plait"] - values[other]))
    return found


def relative(
    metrics: Mapping[str, Metric], values: Mapping[str, Mapping[str, Array]]
) -> dict[str, Any]:
    """Returns the mean over tasks of differences in per cent of the other's figure."""
    found: dict[str, Any] = {"task": "mean change", "metric": "%", "plait": None}
    for other in METHODS[1:]:
        changes = [
            100 * metrics[task].better * (each["plait"] / each[other] - 1)
            for task, each in values.items()
        ]
        found[other] = None
        found[f"against {other}"] = interval(np.mean(changes, axis=0))
    return found


def interval(difference: Array) -> list[float]:
    """Returns the difference on all test rows, and the ends of its interval over the draws."""
    return [float(difference[0]), *map(float, np.percentile(difference[1:], INTERVAL))]


# --- the table ------------------------------------------------------------------------------


def measure(name: str, folder: Path, out: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Trains all models of one table and measures them."""
    given = {"recipe": name, "data": str(folder), "device": "cpu", "minutes": 3, **settings}
    config = validate(with_defaults(given))
    result = run(config, out / name)
    table = open_problem(config).recipe
    assert isinstance(table, Table)
    features, numbers, words = plain_features(table)
    inputs = linear_features(features, numbers, words, table.rows["train"])
    found: dict[str, dict[str, Array]] = {
        "plait": of_run(table, out / name),
        "linear": {},
        "trees": {},
    }
    for target in table.targets:
        labels, numeric = labels_of(table, target.name), target.kind == "number"
        columns = range(labels.shape[1])
        for method, model, read in (("linear", linear, inputs), ("trees", trees, features)):
            each = [model(read, labels[:, k], table.rows, numeric=numeric) for k in columns]
            found[method][target.name] = np.stack(each, axis=1)
    rows = list(compare(table, found))
    return {"table": name, "epoch": result.best_epoch, "seconds": result.seconds, "rows": rows}


def lines(found: Mapping[str, Any]) -> list[str]:
    """Returns the lines of one table in Markdown."""
    return [
        f"| {found['table']} | {each['task']} | {each['metric']} | "
        + " | ".join("" if each[method] is None else f"{each[method]:.4g}" for method in METHODS)
        + "".join(
            " | {:+.3g} ({:+.2g} .. {:+.2g})".format(*each[f"against {other}"])
            for other in METHODS[1:]
        )
        + " |"
        for each in found["rows"]
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Prints the table; the figures of each known table are kept in a file of their own."""
    return print_figures(
        words,
        about=__doc__,
        names=NAMES,
        header=(
            "| table | task | metric | plait | linear | trees | to linear | to trees |",
            "| --- | --- | --- | --: | --: | --: | --: | --: |",
        ),
        measure=lambda name, data, *rest: measure(name, folder_of(name, data), *rest),
        lines=lines,
    )


def folder_of(name: str, data: Path) -> Path:
    """Returns the folder below that of all data that has the file of a known table."""
    file = recipe_class(name).file  # type: ignore[attr-defined]
    return next((path.parent for path in sorted(data.glob(f"*/{file}"))), data)


if __name__ == "__main__":
    sys.exit(main())
