"""Label coverage in words."""

from hypothesis import given
from hypothesis import strategies as st

from plait.runs import Coverage
from plait.runs.coverage import few_labels, partly_labelled, per_cent


@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_only_nothing_is_zero_and_only_all_is_a_hundred_per_cent(counts: tuple[int, int]) -> None:
    labelled, rows = counts
    text = per_cent(labelled, rows)
    assert (text == "0 %") == (labelled == 0)
    assert (text == "100 %") == (labelled == rows)
    if text[0] != "<":
        assert int(text[:-2]) <= 100 * labelled / rows < int(text[:-2]) + 1


def test_no_rows_are_zero_per_cent() -> None:
    assert per_cent(0, 0) == "0 %"


def of(split: str = "train", rows: int = 100, **labelled: int) -> Coverage:
    return Coverage(split=split, rows=dict.fromkeys(labelled, rows), labelled=labelled)


def test_the_smallest_shares_come_first_and_the_rest_is_counted() -> None:
    many = of(**{f"t{n}": 10 * n for n in range(1, 11)})
    text = partly_labelled(many)
    assert text == (
        "labels: t1 10 %, t2 20 %, t3 30 %, t4 40 %, t5 50 %, t6 60 % and 3 more of 100 training "
        "rows"
    )
    assert many.worst_first == [f"t{n}" for n in range(1, 11)]


def test_complete_labels_are_not_worth_a_sentence() -> None:
    assert partly_labelled(of(a=100, b=100)) is None
    assert few_labels(of(a=100, b=10)) is None
    assert partly_labelled(Coverage(split="train", rows={}, labelled={})) is None


def test_tasks_with_rows_of_their_own_say_so() -> None:
    coverage = Coverage(split="val", rows={"a": 10, "b": 20}, labelled={"a": 5, "b": 19})
    assert partly_labelled(coverage) == "labels: a 50 %, b 95 % of their own validation rows"


def test_few_labels_of_a_split_are_named_with_their_number() -> None:
    text = few_labels(of(split="test", a=9, b=0, c=100))
    assert text == (
        "fewer than 10 test rows have a label of task b (0), a (9): metrics on them say little."
    )
    text = few_labels(of(**{f"t{n}": n for n in range(9)}))
    assert text is not None
    assert text.endswith("t5 (5) and 3 more: little is learned from them.")
