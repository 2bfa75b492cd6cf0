"""The name of a method, alone or with options."""

from plait.experiments.method import Method


def test_a_word_is_a_class() -> None:
    assert Method.model_validate("UPGrad").name == "UPGrad"
    made = Method.model_validate({"class": "CAGrad", "c": 0.4})
    assert (made.name, made.options) == ("CAGrad", {"c": 0.4})
