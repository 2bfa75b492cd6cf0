from plait.runs.undefined import because


def test_metrics_and_tasks_of_one_reason_are_in_one_sentence() -> None:
    one = dict.fromkeys(["auroc", "f1"], "all labels are 'no'")
    assert because({"a": one, "b": {"r2": "all labels are equal"}, "c": one}) == [
        "auroc and f1 of a and c are undefined, because all labels are 'no'",
        "r2 of b is undefined, because all labels are equal",
    ]
    assert because({}) == []


def test_of_very_many_tasks_some_are_named() -> None:
    (text,) = because({f"t{i}": {"mae": "there is no label"} for i in range(9)})
    assert text.startswith("mae of t0, t1, t2, t3, t4, t5 and 3 more is undefined")


def test_each_reason_of_a_task_has_its_sentence() -> None:
    assert because({"a": {"auroc": "x", "f1": "y", "mcc": "x"}}) == [
        "auroc and mcc of a are undefined, because x",
        "f1 of a is undefined, because y",
    ]
