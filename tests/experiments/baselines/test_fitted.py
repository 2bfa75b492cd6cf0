"""Models of one column of labels: chosen on validation rows, by closed forms and slow loops."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from plait.experiments.baselines import fitted
from plait.experiments.baselines.fitted import (
    ALPHAS,
    STRENGTHS,
    Labelled,
    constant,
    cross_entropy,
    forest,
    logistic,
    ridge,
    trees,
)

DRAW = np.random.default_rng(0)


def numbers(rows: int, noise: float = 1.0) -> Labelled:
    inputs = DRAW.normal(size=(rows, 6))
    labels = inputs @ np.arange(6.0) + noise * DRAW.normal(size=rows) + 5
    return Labelled(inputs, labels, DRAW.uniform(0.5, 2, size=rows))


def classes(rows: int) -> Labelled:
    inputs = DRAW.normal(size=(rows, 4))
    labels = np.digitize(inputs[:, 0] + 0.5 * DRAW.normal(size=rows), [-0.5, 0.5])
    return Labelled(inputs, labels, np.ones(rows))


def solved(train: Labelled, alpha: float) -> tuple[np.ndarray, float]:
    """Ridge regression by its normal equations, the mean not penalised."""
    m = train.weights / train.weights.sum()
    x, y = train.inputs - m @ train.inputs, train.labels - m @ train.labels
    gram = (x * train.weights[:, None]).T @ x + alpha * np.eye(x.shape[1])
    w = np.linalg.solve(gram, (x * train.weights[:, None]).T @ y)
    return w, float(m @ train.labels - m @ train.inputs @ w)


def test_ridge_is_the_best_of_the_normal_equations() -> None:
    train, val, new = numbers(30, noise=10.0), numbers(40, noise=10.0), DRAW.normal(size=(5, 6))
    found = ridge(train, val)
    losses = {}
    for alpha in ALPHAS:
        w, b = solved(train, alpha)
        losses[alpha] = np.average((val.inputs @ w + b - val.labels) ** 2, weights=val.weights)
    assert found.chosen == {"alpha": min(losses, key=lambda alpha: losses[alpha])}
    w, b = solved(train, found.chosen["alpha"])
    np.testing.assert_allclose(found.predict(new), new @ w + b, rtol=1e-6)
    assert (found.parameters, found.size) == (7, 56)


def test_ridge_reads_sparse_inputs() -> None:
    train, val = numbers(50), numbers(20)
    dense = ridge(train, val)
    given = [Labelled(sparse.csr_matrix(e.inputs), e.labels, e.weights) for e in (train, val)]
    found = ridge(*given)
    assert found.chosen == dense.chosen
    np.testing.assert_allclose(
        found.predict(given[1].inputs), dense.predict(val.inputs), rtol=1e-3, atol=1e-3
    )


def test_logistic_is_the_best_on_the_validation_rows() -> None:
    train, val = classes(60), classes(60)
    found = logistic(train, val, classes=3)
    losses = {}
    for strength in STRENGTHS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(C=strength, max_iter=500).fit(train.inputs, train.labels)
        shares = model.predict_proba(val.inputs)
        losses[strength] = -np.mean(np.log(shares[np.arange(60), val.labels]))
    (chosen,) = found.chosen.values()
    assert losses[chosen] == pytest.approx(min(losses.values()))
    shares = found.predict(val.inputs)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert cross_entropy(shares, val.labels, val.weights) == pytest.approx(losses[chosen])


@pytest.mark.parametrize("number", [0, 3])
def test_trees_are_those_of_the_best_round(number: int) -> None:
    """As a new model with so many rounds, which sees no validation row, predicts."""
    train, val, test = (classes(n) if number else numbers(n) for n in (200, 80, 50))
    found = trees(train, val, classes=number, categorical=[False] * train.inputs.shape[1])
    rounds = int(found.chosen["rounds"])
    cls = HistGradientBoostingClassifier if number else HistGradientBoostingRegressor
    again = cls(max_iter=rounds, early_stopping=False).fit(
        train.inputs, train.labels, train.weights
    )
    expected = again.predict_proba(test.inputs) if number else again.predict(test.inputs)
    np.testing.assert_allclose(found.predict(test.inputs), expected)

    def loss(count: int) -> float:
        fewer = cls(max_iter=count, early_stopping=False)
        fewer.fit(train.inputs, train.labels, train.weights)
        if not number:
            return float(
                np.average((fewer.predict(val.inputs) - val.labels) ** 2, weights=val.weights)
            )
        return cross_entropy(fewer.predict_proba(val.inputs), val.labels, val.weights)

    assert loss(rounds) <= min(loss(count) for count in (max(rounds - 3, 1), rounds + 3)) + 1e-9
    assert found.parameters > rounds and found.size > 8 * found.parameters


def test_trees_split_categories_by_their_codes() -> None:
    codes = DRAW.integers(0, 8, size=300)
    labels = np.isin(codes, [0, 3, 5, 6]).astype(int)
    rows = Labelled(codes[:, None].astype(float), labels, np.ones(300))
    found = trees(rows, rows, classes=2, categorical=[True])
    assert (found.predict(rows.inputs).argmax(axis=1) == labels).all()


def test_classes_without_a_training_row_have_no_chance() -> None:
    train, val = classes(60), classes(60)
    few = train.of(np.array([0, 2]))
    few = Labelled(few.inputs, np.where(few.labels == 1, 2, 0), few.weights)
    for found in (
        logistic(few, val, classes=4),
        trees(few, val, classes=4, categorical=[False] * 4),
    ):
        shares = found.predict(val.inputs)
        assert shares.shape == (60, 4)
        assert not shares[:, [1, 3]].any()
        np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_without_validation_labels_defaults_are_taken() -> None:
    none = Labelled(np.zeros((0, 6)), np.zeros(0), np.zeros(0))
    assert ridge(numbers(20), none).chosen == {"alpha": 1.0}
    found = trees(numbers(30), none, classes=0, categorical=[False] * 6)
    assert found.chosen == {"rounds": 100}
    held = Labelled(np.zeros((0, 4)), np.zeros(0, dtype=int), np.zeros(0))
    assert logistic(classes(30), held, classes=3).chosen == {"C": 1.0}


def test_labels_that_are_all_equal_are_predicted() -> None:
    inputs = np.zeros((3, 2))
    same = Labelled(inputs, np.array([2, 2, 2]), np.ones(3))
    found = constant(same, 3)
    assert found is not None and found.predict(inputs).tolist() == [[0, 0, 1]] * 3
    found = constant(Labelled(inputs, np.array([1.5] * 3), np.ones(3)), 0)
    assert found is not None and found.predict(inputs).tolist() == [1.5] * 3
    none = Labelled(inputs[:0], np.zeros(0), np.zeros(0))
    found = constant(none, 2)
    assert found is not None and found.predict(inputs).tolist() == [[0.5, 0.5]] * 3
    assert constant(Labelled(inputs, np.array([0, 1, 1]), np.ones(3)), 2) is None


def test_absolute_errors_are_for_medians() -> None:
    inputs = np.zeros((101, 1))
    labels = np.r_[np.zeros(60), np.full(41, 100.0)]
    rows = Labelled(inputs, labels, np.ones(101))
    found = trees(rows, rows, classes=0, categorical=[False], error="absolute_error")
    assert found.predict(inputs[:1])[0] == pytest.approx(0)


def test_a_column_without_a_value_among_the_labelled_rows_changes_nothing() -> None:
    train, val, test = numbers(60), numbers(30), DRAW.normal(size=(5, 7))
    none = np.full((60, 1), np.nan)
    known = Labelled(np.hstack([train.inputs, none]), train.labels, train.weights)
    held = Labelled(np.hstack([val.inputs, DRAW.normal(size=(30, 1))]), val.labels, val.weights)
    found = trees(known, held, classes=0, categorical=[False] * 7)
    without = trees(train, val, classes=0, categorical=[False] * 6)
    np.testing.assert_allclose(found.predict(test), without.predict(test[:, :6]))


@pytest.mark.parametrize("number", [0, 3])
def test_a_forest_is_that_of_scikit_learn(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted, "FOREST", 15)
    train, val = (classes(60), classes(20)) if number else (numbers(60), numbers(20))
    found = forest(train, val, classes=number, seed=4)
    kind = RandomForestClassifier if number else RandomForestRegressor
    model = kind(15, random_state=4).fit(train.inputs, train.labels, train.weights)
    expected = model.predict_proba(val.inputs) if number else model.predict(val.inputs)
    predicted = found.predict(val.inputs)
    own = predicted[:, np.unique(train.labels)] if number else predicted
    assert own == pytest.approx(expected)
    assert found.parameters == sum(tree.tree_.node_count for tree in model.estimators_)
    assert found.size > 8 * found.parameters
    threaded = forest(train, val, classes=number, seed=4, jobs=2)
    assert np.array_equal(threaded.predict(val.inputs), predicted)
