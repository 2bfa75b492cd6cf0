"""Models of scikit-learn for one column of labels, chosen on validation rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from plait.core.extras import need

Array = np.ndarray[Any, Any]
ALPHAS = tuple(10.0**power for power in range(4, -4, -1))  # of ridge regression, the strong first
STRENGTHS = tuple(10.0**power for power in range(-4, 4))  # 1 / those of logistic regression
FOREST = 500  # trees
TREES = {"max_iter": 500, "n_iter_no_change": 10}
PURPOSE = "A model of scikit-learn"


@dataclass(frozen=True)
class Labelled:
    """Rows with a label.

    Attributes:
        inputs: `[n, k]`, dense or sparse.
        labels: `[n]`, numbers, or whole numbers of classes.
        weights: `[n]`, positive.
    """

    inputs: Any
    labels: Array
    weights: Array

    def of(self, classes: Array) -> Labelled:
        """Returns the rows whose class is one of some, their labels as its place among them."""
        there = np.isin(self.labels, classes)
        labels = np.searchsorted(classes, self.labels[there])
        return Labelled(self.inputs[there], labels, self.weights[there])


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        predict: from inputs `[n, k]` to numbers `[n]`, or to the probabilities of classes `[n, K]`.
        chosen: what was chosen on the validation rows.
        parameters: how many numbers it has.
        size: in bytes.
    """

    predict: Callable[[Any], Array]
    chosen: Mapping[str, float] = field(default_factory=dict)
    parameters: int = 1
    size: int = 8


Fit = Callable[[Labelled, Labelled], Fitted]  # from training and validation rows


def constant(train: Labelled, classes: int) -> Fitted | None:
    """Returns the constant model where there is nothing to learn: fewer than two different labels.

    Args:
        train: the rows of the training.
        classes: K, how many there are; 0 for numbers.
    """
    values = np.unique(train.labels)
    if len(values) > 1:
        return None
    found: Array = np.asarray(values[0] if len(values) else 0.0)
    if classes:
        found = np.full(classes, 1 / classes)
        if len(values):
            found = np.eye(classes)[int(values[0])]
    return Fitted(lambda inputs: np.repeat(found[np.newaxis], inputs.shape[0], axis=0))


def ridge(train: Labelled, val: Labelled) -> Fitted:
    """Fits ridge regression, ``min sum_i m_i (w x_i + b - y_i)^2 + alpha |w|^2``.

    Alpha is the one of the smallest squared error on the validation rows, of `ALPHAS`; without a
    validation label it is 1.
    """
    linear = need("sklearn.linear_model", extra="app", purpose=PURPOSE)

    def fitted(alpha: float) -> Any:
        return linear.Ridge(alpha=alpha).fit(train.inputs, train.labels, train.weights)

    def loss(model: Any) -> float:
        return float(np.average((model.predict(val.inputs) - val.labels) ** 2, weights=val.weights))

    alpha, model = _best(fitted, loss, ALPHAS) if len(val.labels) else (1.0, fitted(1.0))
    return Fitted(model.predict, {"alpha": alpha}, *_size_of(model.coef_, model.intercept_))


def logistic(train: Labelled, val: Labelled, *, classes: int) -> Fitted:
    """Fits logistic regression, with the strength of the smallest loss on the validation rows.

    The strengths C are those of `STRENGTHS`; without a validation label it is 1.
    """
    linear = need("sklearn.linear_model", extra="app", purpose=PURPOSE)
    exceptions = need("sklearn.exceptions", extra="app", purpose=PURPOSE)
    there = np.unique(train.labels)
    known, held = train.of(there), val.of(there)

    def fitted(strength: float) -> Any:
        with warnings.catch_warnings():  # nearly at the optimum is enough to be chosen
            warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
            model = linear.LogisticRegression(C=strength, max_iter=500)
            return model.fit(known.inputs, known.labels, known.weights)

    def loss(model: Any) -> float:
        return cross_entropy(model.predict_proba(held.inputs), held.labels, held.weights)

    strength, model = _best(fitted, loss, STRENGTHS) if len(held.labels) else (1.0, fitted(1.0))
    return Fitted(
        lambda inputs: _spread(model.predict_proba(inputs), there, classes),
        {"C": strength},
        *_size_of(model.coef_, model.intercept_),
    )


def trees(
    train: Labelled,
    val: Labelled,
    *,
    classes: int,
    categorical: Sequence[bool],
    error: str = "squared_error",
    seed: int = 0,
) -> Fitted:
    """Fits `HistGradientBoosting` with its defaults, as many trees as are best on validation rows.

    It ends after 10 rounds without a smaller loss on them, at most 500 in all; without a validation
    label there are 100.

    Args:
        train: rows of the training.
        val: rows of the validation.
        classes: K; 0 for numbers.
        categorical: which columns of the inputs are codes.
        error: of numbers.
        seed: of the rows from which bins are taken, where there are more than 200,000.
    """
    ensemble = need("sklearn.ensemble", extra="app", purpose=PURPOSE)
    there = np.unique(train.labels)
    known, held = (train.of(there), val.of(there)) if classes else (train, val)
    empty = np.isnan(known.inputs).all(axis=0)  # which no bin can be made of

    def filled(inputs: Any) -> Any:
        return np.where(empty, 0.0, inputs)

    options: dict[str, Any] = {"categorical_features": list(categorical), "random_state": seed}
    options |= {"early_stopping": bool(len(held.labels))} | ({} if classes else {"loss": error})
    given: dict[str, Any] = {}
    if len(held.labels):
        options |= TREES
        given = {
            "X_val": filled(held.inputs),
            "y_val": held.labels,
            "sample_weight_val": held.weights,
        }
    name = "HistGradientBoostingClassifier" if classes else "HistGradientBoostingRegressor"
    model = getattr(ensemble, name)(**options)
    model.fit(filled(known.inputs), known.labels, _unequal(known.weights), **given)
    rounds = int(np.argmax(model.validation_score_)) if given else model.n_iter_
    rounds = max(rounds, 1)

    def predict(inputs: Any) -> Array:
        predicted = model.staged_predict_proba if classes else model.staged_predict
        staged = enumerate(predicted(filled(inputs)), start=1)
        found: Array = next(each for number, each in staged if number == rounds)
        return _spread(found, there, classes) if classes else found

    nodes = [tree.nodes for stage in model._predictors[:rounds] for tree in stage]
    parameters = sum(len(each) for each in nodes)
    return Fitted(predict, {"rounds": rounds}, parameters, sum(each.nbytes for each in nodes))


def forest(train: Labelled, val: Labelled, *, classes: int, seed: int = 0, jobs: int = 1) -> Fitted:
    """Fits a random forest of 500 trees, with scikit-learn's defaults; nothing is chosen.

    Args:
        train: rows of the training.
        val: rows of the validation, which it does not read.
        classes: K; 0 for numbers.
        seed: of the draws of rows and columns.
        jobs: threads that grow trees; the forest is the same for any number.
    """
    ensemble = need("sklearn.ensemble", extra="app", purpose=PURPOSE)
    there = np.unique(train.labels)
    known = train.of(there) if classes else train
    name = "RandomForestClassifier" if classes else "RandomForestRegressor"
    model = getattr(ensemble, name)(FOREST, random_state=seed, n_jobs=jobs)
    model.fit(known.inputs, known.labels, known.weights)
    model.n_jobs = 1  # threads would add the trees' answers in another order each time

    def predict(inputs: Any) -> Array:
        found: Array = model.predict_proba(inputs) if classes else model.predict(inputs)
        return _spread(found, there, classes) if classes else found

    states = [each.tree_.__getstate__() for each in model.estimators_]
    size = sum(state["nodes"].nbytes + state["values"].nbytes for state in states)
    return Fitted(predict, {}, sum(len(state["nodes"]) for state in states), size)


def cross_entropy(shares: Array, labels: Array, weights: Array) -> float:
    """Returns the weighted mean of ``-log p`` of the labels' classes, in nats.

    Example:
        >>> shares, weights = np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([1.0, 0.0])
        >>> cross_entropy(shares, np.array([0, 0]), weights)
        0.6931471805599453
    """
    own = shares[np.arange(len(labels)), labels]
    return float(np.average(-np.log(np.clip(own, 1e-12, None)), weights=weights))


def _unequal(weights: Array) -> Array | None:
    """Returns weights that differ; None for equal ones, with which bins are found much later."""
    return None if np.ptp(weights) == 0 else weights


def _best(
    fitted: Callable[[float], Any], loss: Callable[[Any], float], strengths: Sequence[float]
) -> tuple[float, Any]:
    """Returns the strength and the model of the smallest loss; it ends when two were worse.

    The strong ones come first, since the weak ones take long.
    """
    best, found, worse = np.inf, (strengths[0], None), 0
    for strength in strengths:
        model = fitted(strength)
        own = loss(model)
        if own < best or found[1] is None:
            best, found, worse = own, (strength, model), 0
        else:
            worse += 1
        if worse == 2:
            break
    return found


def _spread(shares: Array, there: Array, classes: int) -> Array:
    """Returns the probabilities of all classes; of those without a training row, 0."""
    found = np.zeros((len(shares), classes))
    found[:, there.astype(int)] = shares
    return found


def _size_of(*arrays: Any) -> tuple[int, int]:
    numbers = [np.asarray(each) for each in arrays]
    return sum(each.size for each in numbers), sum(each.nbytes for each in numbers)
