"""Columns that give a target away, planted; and columns that only predict it well."""

import numpy as np
import pandas as pd
import pytest

from plait.data.table.giveaways import (
    _are_ranges,
    _share_of_classes,
    _share_of_variance,
    give_aways,
)

ROWS = 600
RANDOM = np.random.default_rng(0)
PRICE = RANDOM.lognormal(size=ROWS).round(2)
KIND = RANDOM.choice(["car", "van", "truck"], ROWS)
LABELS = pd.DataFrame({"price": PRICE, "kind": KIND, "sold": np.median(PRICE) < PRICE})
KINDS = {"price": "number", "kind": "category", "sold": "yes/no"}


def found(column: object, target: str) -> list[tuple[str, float]]:
    frame = LABELS.assign(x=column)
    return [
        (each.sentence, each.share)
        for each in give_aways(frame, ["x"], {target: KINDS[target]})
        if each.whole
    ]


@pytest.mark.parametrize(
    ("column", "target", "words"),
    [
        (
            pd.Series(KIND).map({"car": 1, "van": 2, "truck": 3}),
            "kind",
            "each of its values stands",
        ),
        (
            pd.Series(KIND) + RANDOM.choice(list("abc"), ROWS),
            "kind",
            "each of its values stands",
        ),
        (PRICE * 1.2 + 3, "price", "rises or falls"),
        (np.log(PRICE), "price", "rises or falls"),
        (-(PRICE**3), "price", "rises or falls"),
        (PRICE + RANDOM.normal(size=ROWS) * PRICE.std() / 100, "price", "rises or falls"),
        (
            pd.to_datetime("2020-01-01") + pd.to_timedelta(PRICE, unit="D"),
            "price",
            "rises or falls",
        ),
        (PRICE * 2, "sold", "rises or falls"),
        (np.where(np.median(PRICE) < PRICE, PRICE, 0.0), "sold", "rises or falls"),
        (pd.cut(pd.Series(PRICE), [0, 0.5, 1, 2, 99]).astype(str), "price", "are ranges of price"),
        (PRICE > 1, "price", "are ranges of price"),
        (pd.Series(PRICE).map(lambda price: f"code {price}"), "sold", None),  # a value of each row
        (np.where(KIND == "car", "some", None), "kind", None),
        (np.where(np.median(PRICE) < PRICE, "day", None), "sold", "where it is empty"),
        (
            np.where(LABELS["sold"], RANDOM.normal(size=ROWS), np.nan),
            "sold",
            "where it is empty",
        ),
    ],
)
def test_a_planted_give_away_is_found(column: object, target: str, words: str | None) -> None:
    findings = found(column, target)
    if words is None:
        assert findings == []
    else:
        assert len(findings) == 1
        assert words in findings[0][0]
        assert f"x gives {target} away" in findings[0][0]
        assert 0.98 <= findings[0][1] <= 1


@pytest.mark.parametrize(
    ("column", "target"),
    [
        (np.arange(ROWS), "kind"),
        ([f"id {row}" for row in range(ROWS)], "kind"),
        ([f"id {row // 2}" for row in range(ROWS)], "kind"),
        (np.arange(ROWS), "price"),
        (PRICE + RANDOM.normal(size=ROWS) * PRICE.std() / 5, "price"),  # correlates, 0.98
        (np.where(RANDOM.random(ROWS) < 0.9, KIND, "car"), "kind"),  # 0.9 of the rows
        (RANDOM.normal(size=ROWS) + 3 * LABELS["sold"], "sold"),
        (np.where(np.arange(ROWS) == 5, 1e9, RANDOM.normal(size=ROWS)), "price"),
        (np.ones(ROWS), "price"),
        (np.full(ROWS, np.nan), "kind"),
    ],
)
def test_a_good_or_a_useless_column_gives_nothing_away(column: object, target: str) -> None:
    assert found(column, target) == []


def test_an_outlier_in_both_is_no_correlation() -> None:
    far = np.where(np.arange(ROWS) == 5, 1e9, 0.0)
    frame = pd.DataFrame({"x": RANDOM.normal(size=ROWS) + far, "y": RANDOM.normal(size=ROWS) + far})
    assert np.corrcoef(frame["x"], frame["y"])[0, 1] > 0.999
    assert give_aways(frame, ["x"], {"y": "number"}) == []


def test_some_values_settle_the_target() -> None:
    married = RANDOM.random(2000) < 0.5
    role = np.where(married & (RANDOM.random(2000) < 0.8), "husband", "other")
    frame = pd.DataFrame({"role": role, "married": married})
    [finding] = give_aways(frame, ["role"], {"married": "yes/no"})
    share = (role == "husband").mean()
    assert not finding.whole
    assert finding.share == pytest.approx(share)
    assert (
        finding.sentence
        == f"some values of role settle married for their rows ({100 * share:.4g} %)"
    )


def test_the_rows_without_a_label_are_left_out() -> None:
    frame = LABELS.assign(x=PRICE * 2, price=np.where(np.arange(ROWS) % 3, np.nan, PRICE))
    assert [each.column for each in give_aways(frame, ["x"], {"price": "number"})] == ["x"]
    few = LABELS.assign(x=PRICE * 2, price=np.where(np.arange(ROWS) < 20, PRICE, np.nan))
    assert give_aways(few, ["x"], {"price": "number"}) == []


def test_a_target_does_not_give_itself_away() -> None:
    assert give_aways(LABELS, ["price", "kind"], {"price": "number", "kind": "category"}) == []


def test_many_rows_are_sampled_the_same_each_time() -> None:
    rows = 300_000
    frame = pd.DataFrame({"x": np.arange(rows) % 5, "y": np.arange(rows) % 5 > 2})
    once, again = (give_aways(frame, ["x"], {"y": "yes/no"}) for _ in range(2))
    assert once == again
    assert [each.share for each in once] == [1.0]


# --- measures against slow loops ----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_those_of_leaving_one_out(seed: int) -> None:
    random = np.random.default_rng(seed)
    codes, classes = random.integers(0, 6, 60), random.integers(0, 3, 60)
    values = random.normal(size=60) + codes
    right, error = 0, 0.0
    for row in range(60):
        others = np.flatnonzero((codes == codes[row]) & (np.arange(60) != row))
        counts = np.bincount(classes[others], minlength=3)
        right += int(counts[classes[row]] > np.delete(counts, classes[row]).max())
        mean = values[others].mean() if len(others) else values.mean()
        error += (values[row] - mean) ** 2
    largest = np.bincount(classes).max()
    # a row of a class that is not the largest of its code is never told right
    assert _share_of_classes(codes, classes) == pytest.approx((right - largest) / (60 - largest))
    variance = ((values - values.mean()) ** 2).sum()
    assert _share_of_variance(codes, values) == pytest.approx(1 - error / variance)


def test_ranges() -> None:
    values = np.arange(100.0)
    assert _are_ranges((values // 20).astype(int), values)
    assert not _are_ranges((values % 5).astype(int), values)
    assert not _are_ranges(np.arange(100), values)
