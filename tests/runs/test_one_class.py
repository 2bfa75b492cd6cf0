from plait.runs.one_class import only_one


def test_nothing_is_said_of_nothing() -> None:
    assert only_one({}) == ""


def test_each_task_is_named_with_its_class_and_what_may_help() -> None:
    text = only_one({"mask": "background", "bought": "no"})
    assert text.startswith(
        "on the validation data, one class only is predicted, and labels have more: "
        "'background' by mask, 'no' by bought. "
    )
    for option in ("class_weights: balanced", "prior: labels", "dice: 1"):
        assert option in text


def test_of_many_tasks_six_are_named() -> None:
    text = only_one({f"t{number}": "no" for number in range(9)})
    assert "'no' by t5, and one by each of 3 more." in text
    assert "t6" not in text
