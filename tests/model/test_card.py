"""The model card."""

import math

from plait.model.card import model_card

CONFIG = {"sharing": None, "encoder": {"class": "ConvEncoder", "norm": True}}


def test_the_card_names_what_is_not_plaits_own() -> None:
    card = model_card(["a", "b"], CONFIG, {"a": {"mae": 0.123456}})
    assert "One model for 2 tasks: a, b." in card
    assert "- sharing: `a class of its own()`" in card
    assert "- encoder: `ConvEncoder(norm=True)`" in card
    assert "| a | mae | 0.1235 |" in card
    assert "| a | auroc | undefined |" in model_card(["a"], CONFIG, {"a": {"auroc": math.nan}})
    assert "| task |" not in model_card(["a"], CONFIG, {})
    assert "One model for 1 task: a." in model_card(["a"], CONFIG, {})
